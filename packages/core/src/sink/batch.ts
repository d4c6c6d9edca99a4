import type { EventsInFlight, RecordProgress } from './send-progress.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** One record in a batch, with what earlier attempts left. */
export interface BatchEntry {
  readonly record: UsageRecord
  /** How often this record was claimed before, 0 on the first attempt. */
  readonly attempts: number
  /** When it was first claimed for this sink, in ms since the epoch; absent on the first attempt. */
  readonly firstAttemptAt: number | undefined
  /**
   * When the first attempt of unknown outcome was claimed, in ms since the epoch: a `retry` that was
   * `uncertain`, or a claim that was never settled; in a copy, the last use of its original. Absent
   * while the sink certainly has nothing but `deliveredEventIds`. A sink whose backend tells duplicates
   * only for a time must not send the record again after it, but answer `rejected`.
   */
  readonly uncertainSince: number | undefined
  /** Which of its meter events may have arrived; absent, any of them may where the time says so. */
  readonly uncertainEventIds?: readonly string[]
  /**
   * The sum as part of which it may have arrived: only the same sum of the same records, all of this
   * batch that have this id, can be sent again without being billed twice. The id of the batch itself
   * stands for whatever sums a sink makes of the batch: in a copy nobody knows more of what was in a
   * batch, and the original goes on with the same one.
   */
  readonly uncertainIn?: string
  /** Meter events of this record that the sink already has: skip them. */
  readonly deliveredEventIds: readonly string[]
  /** Meter events of this record whose ids the sink refused afterwards: send them under other ids. */
  readonly refusedEventIds?: readonly string[]
}

export interface Batch {
  /** The same on every attempt, in every process. */
  readonly id: string
  readonly sink: string
  /** Names this claim of the batch: only the claim that is current can settle it. */
  readonly lease: string
  readonly entries: readonly BatchEntry[]
}

/** What is written of a claimed batch while it is being sent. */
export interface BatchMarks {
  /** Requests that are about to go out, by numbers of which each is used once in a claim. */
  readonly sending: readonly {
    readonly request: number
    readonly parts: readonly EventsInFlight[]
  }[]
  /** Requests of which nothing is in flight any more. */
  readonly over: readonly number[]
  /** What is known of single records. */
  readonly known: readonly RecordProgress[]
}
