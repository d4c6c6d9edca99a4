/** What the gateway answers itself: `/health/*`, `/metrics`, `/usage/{id}`, `/key/*`. */
import type { RawHeaders } from '../request/raw-headers.ts'

export interface OwnRequest {
  readonly method: string
  /** Below the gateway's own path. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: RawHeaders
  readonly body: Buffer
}

export interface OwnAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text as it is; of anything else its JSON. */
  readonly body: unknown
}

/** @returns `undefined` for what is not answered. What it throws is answered as an error. */
export type OwnPaths = (
  request: OwnRequest,
) => OwnAnswer | undefined | Promise<OwnAnswer | undefined>
