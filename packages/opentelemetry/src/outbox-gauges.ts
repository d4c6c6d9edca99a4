import { type BatchObservableResult, type Meter, ValueType } from '@opentelemetry/api'
import type { SinkStats } from '@token-meter/core/adapter'

const records = { unit: '{record}', valueType: ValueType.INT }

/** How much waits in the outbox for each sink, and for how long. */
export function outboxGauges(meter: Meter) {
  // An SDK goes on exporting the last value of a gauge that is not observed any more.
  const up = meter.createObservableGauge('token_meter.outbox.up', {
    valueType: ValueType.INT,
    description: '1 when the outbox could be asked; 0 when the other gauges are old.',
  })
  const pending = meter.createObservableGauge('token_meter.outbox.pending', {
    ...records,
    description: 'Usage records that wait for the sink, or are on their way to it.',
  })
  const deadLetters = meter.createObservableGauge('token_meter.outbox.dead_letters', {
    ...records,
    description: 'Usage records that the sink refused, neither requeued nor discarded yet.',
  })
  const unattributed = meter.createObservableGauge('token_meter.outbox.unattributed', {
    ...records,
    description: 'Usage records that nobody could be billed for.',
  })
  const held = meter.createObservableGauge('token_meter.outbox.held', {
    ...records,
    description: 'Usage records that the sink is not given until they are released or dropped.',
  })
  const oldestPendingAge = meter.createObservableGauge('token_meter.outbox.oldest_pending_age', {
    unit: 's',
    description: 'Since when the first of the pending records waits; 0 when none does.',
  })

  return {
    all: [up, pending, deadLetters, unattributed, held, oldestPendingAge],
    observeUp(result: BatchObservableResult, isUp: boolean): void {
      result.observe(up, isUp ? 1 : 0)
    },
    observe(result: BatchObservableResult, sink: string, stats: SinkStats, nowMs: number): void {
      const attributes = { 'token_meter.sink': sink }
      const { oldestPendingAt = nowMs } = stats
      result.observe(pending, stats.pending, attributes)
      result.observe(deadLetters, stats.dead, attributes)
      result.observe(unattributed, stats.unattributed, attributes)
      result.observe(held, stats.held, attributes)
      // A record of another machine can be from the future.
      result.observe(oldestPendingAge, Math.max(0, nowMs - oldestPendingAt) / 1000, attributes)
    },
  }
}
