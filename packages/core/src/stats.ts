import type { SinkStats } from './outbox/outbox.ts'

/** Where all usage stands. */
export interface MeterStats {
  /** Usage records kept since the outbox was made. */
  readonly recorded: number
  /** By sink; in each, `recorded = pending + delivered + dead + unattributed + discarded`. */
  readonly sinks: Readonly<Record<string, SinkStats>>
  /** Faults reported by this meter. */
  readonly errors: number
}
