import type { Refusal } from '../errors/refusal.ts'

/**
 * What became of one record at a sink.
 *
 * - `accepted`: the backend has it, or confirmed that it had it already. With the code `covered`:
 *   nothing was sent, because it is paid for by prepaid credit; it is settled, and counted apart.
 * - `retry`: not now; again after `afterMs` at the earliest, or when the delivery's own back-off
 *   says so. `uncertain` says that this attempt may have arrived: the answer was lost, or was a
 *   failure of the backend's own. Absent, it certainly had no effect: it was refused or not sent.
 *   `uncertainEventIds` names the events that may have arrived, where not any may; `uncertainIn` is
 *   the sum as part of which they may have. `recordOnly` says that the cause is the record's own, such
 *   as a time in the future, so that other records need not wait with it.
 * - `rejected`: never, for the `reason` given; it becomes a dead letter, with `code` and `since` for
 *   machines (see `Refusal`).
 *
 * `deliveredEventIds` names the meter events of the record that did arrive, so that a retry skips
 * them.
 */
export type SinkResult = { readonly deliveredEventIds?: readonly string[] } & (
  | { readonly status: 'accepted'; readonly code?: 'covered' }
  | {
      readonly status: 'retry'
      readonly reason: string
      readonly afterMs?: number
      readonly uncertain?: true
      readonly uncertainEventIds?: readonly string[]
      readonly uncertainIn?: string
      readonly recordOnly?: true
    }
  | ({ readonly status: 'rejected'; readonly reason: string } & Refusal)
)
