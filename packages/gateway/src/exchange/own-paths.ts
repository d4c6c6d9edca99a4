/** What the gateway answers itself: `/health/*`, `/metrics`, `/usage/{id}`, `/key/*`. */
import type { IncomingMessage, ServerResponse } from 'node:http'
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
  /** To be written as JSON. */
  readonly body: unknown
}

export interface OwnPaths {
  /** Answers by itself what it is asked without a body. @returns false for a path that is none of its: nothing was done. */
  answer(path: string, request: IncomingMessage, response: ServerResponse): boolean
  /** @returns `undefined` for what nobody answers. What it throws is answered as an error. */
  ask(request: OwnRequest): Promise<OwnAnswer> | undefined
}
