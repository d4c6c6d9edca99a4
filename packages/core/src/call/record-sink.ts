import type { TokenCounts, TokenType } from '../usage/token-counts.ts'
import type { UsageOutcome } from '../usage/usage-record.ts'
import type { UsageReading } from '../wire/usage-reading.ts'
import type { ObservedCall } from './observed-call.ts'

/** A reading whose counts are all there, some of them estimated, or marked as unknown. */
export interface CompletedReading {
  readonly reading: UsageReading
  readonly tokens: TokenCounts
  readonly outcome: UsageOutcome
  readonly estimated: readonly TokenType[]
  /** Counts that are 0 because nobody knows them. */
  readonly unknown?: readonly TokenType[]
  /** The caller did not let the response end: that its usage is missing is expected, not a fault. */
  readonly interrupted: boolean
}

/** Where the usage of observed calls goes. No method ever throws. */
export interface RecordSink {
  /**
   * Records the usage of a call.
   * @returns a promise where the outbox needs time to make it safe, which never rejects.
   */
  record(call: ObservedCall, readings: readonly CompletedReading[]): void | Promise<void>
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
