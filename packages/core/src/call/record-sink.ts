import type { CompletedReading } from './completed-reading.ts'
import type { Call, Endpoint } from '../wire/endpoint.ts'
import type { HttpHeaders } from '../wire/http-headers.ts'
import type { Attributes, UsageRecord } from '../usage/usage-record.ts'

/** A call, as its records are made of it. */
export interface RecordedCall {
  readonly call: Call
  readonly endpoint: Endpoint
  readonly customer: string | null
  readonly attributes: Attributes
  readonly requestedModel: string | null
  readonly isLinked: boolean
  readonly headers: HttpHeaders | undefined
  /** The ids under which its usage is kept while it goes on. */
  openIds: readonly string[]
  /** What its records settle; `undefined` where nothing was held. */
  readonly holdIds: readonly string[] | undefined
  /** The id of one of its records that the provider gives no id to derive it from. */
  idOf(index: number, at: number): string
  /** These are its records, as they go to the outbox. */
  tellRecords(records: readonly UsageRecord[]): void
  /** Its records were handed to the outbox. */
  recorded(): void
  /** It has none: what is held for it is given back. */
  dismiss(): void
}

/** Where the usage of observed calls goes. No method ever throws. */
export interface RecordSink {
  /**
   * Records the usage of a call, by which what is held for it is settled.
   * @returns a promise where the outbox needs time to make it safe, which never rejects.
   */
  record(call: RecordedCall, readings: readonly CompletedReading[]): void | Promise<void>
  /**
   * Keeps the usage of a call that goes on as it is by now, in place of what was kept before. Nobody waits for it.
   */
  keep(call: RecordedCall, readings: readonly CompletedReading[]): void
  /** Usage is still being read until the promise has ended: flush and close wait for it. */
  trackPending(read: Promise<unknown>): void
  /**
   * Runs `write` after so long, or when the meter or the process ends.
   * @returns how to cancel that.
   */
  defer(write: () => void, forMs: number): () => void
  /** Reports a fault of the meter itself. */
  fault(what: string, cause: unknown): void
}

/** How a stream ended, as the caller saw it. */
export type StreamEnd = 'complete' | 'interrupted' | 'failed'

/** How the answer of a call is followed that tells of other calls. */
export interface ObservedParts {
  readonly stored: Promise<void> | undefined
  see(json: unknown): void
  skip(): void
  ended(): void
}
