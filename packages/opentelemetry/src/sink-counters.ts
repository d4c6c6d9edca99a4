import { type Counter, type Meter, ValueType } from '@opentelemetry/api'

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
