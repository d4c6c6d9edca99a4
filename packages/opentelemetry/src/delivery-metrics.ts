import { type BatchObservableResult, type Counter, type Meter, ValueType } from '@opentelemetry/api'
import { type SinkStats, type WatchedMeter, valueBefore } from '@token-meter/core/adapter'

const descriptions = {
  delivered: 'Usage records that the sink took.',
  retried: 'Usage records put back to be sent to the sink again, each time.',
  failed: 'Usage records that the sink refused for good: dead letters.',
}

export type Outcome = keyof typeof descriptions

/** `stripe_meter_delivered`, `stripe_meter_retried`, `stripe_meter_failed`, and so for each sink. */
export class SinkCounters {
  readonly #meter: Meter
  readonly #counters = new Map<string, Counter>()

  constructor(meter: Meter) {
    this.#meter = meter
  }

  /** From 0, so that the first failure is an increase and not the beginning of a series. */
  start(sink: string): void {
    for (const outcome of Object.keys(descriptions) as Outcome[]) {
      if (!this.#counters.has(counterName(sink, outcome))) this.add(sink, outcome, 0)
    }
  }

  add(sink: string, outcome: Outcome, records: number): void {
    const name = counterName(sink, outcome)
    const counter = this.#counters.get(name) ?? this.#create(name, outcome)
    counter.add(records, { 'token_meter.sink': sink })
  }

  #create(name: string, outcome: Outcome): Counter {
    const counter = this.#meter.createCounter(name, {
      unit: '{record}',
      valueType: ValueType.INT,
      description: descriptions[outcome],
    })
    this.#counters.set(name, counter)
    return counter
  }
}

/** Metric names take less than sinks' names do: letters first, then also digits and `_.-/`. */
function counterName(sink: string, outcome: Outcome): string {
  const letters = sink.replaceAll(/[^A-Za-z0-9_./-]/g, '_').slice(0, 200)
  return `${/^[A-Za-z]/.test(letters) ? '' : 'sink_'}${letters}_meter_${outcome}`
}

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

type Stats = Awaited<ReturnType<WatchedMeter['stats']>>

/**
 * A meter's stats for collections that must not wait for long: nothing where the outbox fails, or
 * takes more than `timeoutMs`. An outbox that hangs is asked once, however many collections come.
 */
export function sharedStats(meter: WatchedMeter, timeoutMs: number): () => Promise<Stats | void> {
  let asked: Promise<Stats | void> | undefined
  return async () => {
    asked ??= Promise.resolve(meter)
      .then((meter) => meter.stats())
      .catch(() => {})
      .finally(() => (asked = undefined))
    const stats = asked
    // Waiting for it must not hold the process.
    const inTime = { keepsAlive: false }
    return (await valueBefore(performance.now() + timeoutMs, () => stats, inTime))?.value
  }
}
