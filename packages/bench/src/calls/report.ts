import type { Figure } from './measure/paired.ts'
import type { Metering } from './measure/metering.ts'
import type { SdkName } from './sdk/sdk.ts'

export type FigureName =
  | 'stream'
  | 'parsed'
  | 'call'
  | 'callInProcess'
  | 'concurrent'
  | 'wrap'
  | 'firstUse'
  | 'heap'
  | 'firstToken'
  | 'close'

/** What one subject's process found. */
export interface SubjectReport {
  readonly meters?: Metering
  readonly figures: Partial<Record<FigureName, Figure>>
  /** Why a figure is not there, by its name; `load` where there is none at all. */
  readonly failures: Readonly<Record<string, string>>
}

/** One row of the table. */
export interface CallRow extends SubjectReport {
  readonly sdk: SdkName
  readonly subject: string
  readonly isPeer: boolean
  /** Of the peer's package. */
  readonly version?: string
}
