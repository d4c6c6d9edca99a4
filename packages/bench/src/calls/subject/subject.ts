import type { ConnectOptions, Sdk, SdkName } from '../sdk/sdk.ts'

/** Something that observes the calls of an SDK, on a copy of the SDK of its own. */
export interface Subject {
  readonly sdk: Sdk
  /** A client that is observed. */
  connect(options: ConnectOptions): object
  /** Makes an observed client of one; absent where the SDK's classes are patched or derived. */
  wrap?(client: object): object
  /** Asks for the usage of streams by itself: the caller, and the raw copy, do not. */
  readonly asksForUsage?: boolean
  /** Lets go of the telemetry that is kept in memory. Not measured. */
  settle?(): Promise<void> | void
}

/** Where a subject's telemetry goes. Nothing is done with it, except while it is looked at. */
export interface Telemetry {
  seen: ((value: unknown) => void) | undefined
}

export interface SubjectDefinition {
  /** As the table has it. */
  readonly name: string
  /** A peer, which is installed on demand. */
  readonly isPeer: boolean
  readonly sdks: readonly SdkName[]
  load(sdk: SdkName, telemetry: Telemetry): Promise<Subject>
}
