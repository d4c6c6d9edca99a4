import type { DeliveryListener } from '../delivery/delivery.ts'
import { DeliveryError, type TokenMeterError } from '../errors/errors.ts'
import type { MeterEmitter } from './meter-events.ts'

/** Tells the listeners of a meter, and its error handler, what deliveries come to. */
export function deliveryReport(
  events: MeterEmitter,
  report: (error: TokenMeterError) => void,
  settled: (sink: string, id: string) => void,
): DeliveryListener {
  return {
    delivered: (sink, records) => {
      for (const { id } of records) settled(sink, id)
      events.emit('delivered', { sink, records })
    },
    retrying: (sink, records, reason, afterMs) =>
      events.emit('retrying', { sink, records, reason, afterMs }),
    deadLetter: (sink, record, reason) => {
      settled(sink, record.id)
      events.emit('dead-letter', { sink, record, reason })
      report(
        new DeliveryError(
          `the sink "${sink}" refused record ${record.id}, which is a dead letter now (fix the cause ` +
            `and call outbox.requeue("${sink}")): ${reason}`,
          { sink, records: [record] },
        ),
      )
    },
    failing(sink, { since, reason }, stats) {
      const now = Date.now()
      const waiting =
        stats === undefined
          ? 'How much waits for it is not known'
          : `${stats.pending} usage record(s) wait for it, the oldest for ${inWords(now - (stats.oldestPendingAt ?? now))}`
      report(
        new DeliveryError(
          `the sink "${sink}" has taken nothing for ${inWords(now - since)}: ${reason}. ${waiting}. ` +
            'They are kept and tried again; check its key and the way to its backend.',
          { sink, failing: { since, reason } },
        ),
      )
    },
    fault: (sink, what, cause) => report(new DeliveryError(`${sink}: ${what}`, { sink, cause })),
  }
}

const minuteMs = 60_000

function inWords(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / minuteMs))
  if (minutes < 120) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 72 ? `${hours} h` : `${Math.round(hours / 24)} days`
}
