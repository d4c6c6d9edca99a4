/**
 * What a sink is not given unless somebody says so. It is decided when a sink claims, in one place,
 * for fresh records, requeued ones and batches that come again alike:
 *
 *     pending ──claim by a live sink──> test usage is held ───────────────┐
 *     pending ──claim by a new sink beside an absent one──> the old is held
 *                                                                          │
 *     held ──release──> pending, and never held again
 *     held ──removeSink of the absent one──> pending
 *     held ──rename──> whatever it was with the sink before
 *     held ──registerSink──> pending from the moment on; not counted before it
 *     held ──drop, or pruned with its record──> discarded
 *
 * - Test usage has `livemode: false`. A sink that is not live gets usage of every mode. What a sandbox
 *   had of a record that is held later (attempts, events) says nothing about the live backend, and is
 *   forgotten.
 * - A held record is not pending: it keeps no flush waiting, and is pruned when it is old enough, like
 *   one that is settled.
 * - The cursor of the sink passes it once, and leaves an item behind: no claim looks at it again.
 */
import type { Awaitable } from '../lib/promises.ts'

export interface HeldUsage {
  /**
   * Makes what is held for a sink pending; all of it without `ids`. It is sent although it is test
   * usage, or from before a sink that is new. Returns how many.
   */
  release(sink: string, ids?: readonly string[]): Awaitable<number>
  /** Gives up what is held for a sink; all of it without `ids`. Returns how many. */
  drop(sink: string, ids?: readonly string[]): Awaitable<number>
}
