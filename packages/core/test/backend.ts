import type { Batch, Sink, SinkResult } from '../src/index.ts'

/** A backend in this process that answers what it is told, and keeps what it accepted. */
export class Backend {
  /** Record ids, as often as they were accepted. */
  readonly accepted: string[] = []
  readonly batches: Batch[] = []
  /** Decides the answer for one record; undefined accepts it. */
  answer: (id: string, customer: string | null) => SinkResult | undefined = () => undefined
  /** Set: every send fails with it. */
  down: Error | undefined

  sink(name = 'backend', options: Partial<Sink> = {}): Sink {
    return {
      name,
      ...options,
      send: async (batch) => {
        this.batches.push(batch)
        if (this.down !== undefined) throw this.down
        return batch.entries.map(({ record }) => {
          const result = this.answer(record.id, record.customer) ?? { status: 'accepted' }
          if (result.status === 'accepted') this.accepted.push(record.id)
          return result
        })
      },
    }
  }
}

/** Delivery that does not dawdle, for tests. */
export const quick = { lingerMs: 1, pollMs: 20, backoff: { baseMs: 1, maxMs: 20 } }

/** Usage for `meter.record`. */
export function usage(id: string, customer = 'cus_1') {
  return { id, customer, provider: 'openai', model: 'gpt-5.4', tokens: { input: 10, output: 2 } }
}
