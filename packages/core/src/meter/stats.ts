import type { Delivery } from '../delivery/delivery.ts'
import type { SinkFailure } from '../delivery/outage.ts'
import type { Outbox, SinkStats } from '../outbox/outbox.ts'

/** Where all usage stands. */
export interface MeterStats {
  /** Usage records kept since the outbox was made. */
  readonly recorded: number
  /**
   * By sink; in each, `recorded = pending + delivered + dead + unattributed + discarded + held`, and
   * `covered` where prepaid credit has paid for some.
   */
  readonly sinks: Readonly<Record<string, MeterSinkStats>>
  /** Faults reported by this meter. */
  readonly errors: number
}

/** Where the records of one sink of this meter stand. */
export interface MeterSinkStats extends SinkStats {
  /**
   * Its backend takes nothing of what this process sends, since when and why: a key that is refused, a
   * network that is down. Absent while it takes anything, or nothing was tried.
   */
  readonly failing?: SinkFailure
}

/** The counts of an outbox for the sinks that it is delivered to. */
export async function countUsage(
  outbox: Outbox,
  deliveries: readonly Delivery[],
): Promise<Omit<MeterStats, 'errors'>> {
  const sinks = await Promise.all(
    deliveries.map(
      async ({ sink: { name }, failing }) =>
        [name, { ...(await outbox.stats(name)), ...(failing && { failing }) }] as const,
    ),
  )
  return { recorded: await outbox.recorded(), sinks: Object.fromEntries(sinks) }
}
