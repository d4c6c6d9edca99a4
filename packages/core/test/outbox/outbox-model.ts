import type { UsageRecord } from '../../src/usage/usage-record.ts'
import type { SinkResult } from '../../src/sink/sink.ts'
import type { Batch, SinkStats } from '../../src/outbox/outbox.ts'

type State = 'pending' | 'delivered' | 'dead' | 'discarded'

/** What an outbox should say, kept in the most simple way: the oracle of the property tests. */
export class OutboxModel {
  readonly #customers = new Map<string, string | null>()
  readonly #states = new Map<string, Map<string, State>>()

  constructor(sinks: readonly string[]) {
    for (const sink of sinks) this.#states.set(sink, new Map())
  }

  append(record: UsageRecord): void {
    if (this.#customers.has(record.id)) return
    this.#customers.set(record.id, record.customer)
    for (const states of this.#states.values()) states.set(record.id, 'pending')
  }

  attribute(ids: readonly string[], customer: string): number {
    const named = [...new Set(ids)].filter((id) => this.#customers.get(id) === null)
    for (const id of named) this.#customers.set(id, customer)
    return named.length
  }

  settle(batch: Batch, results: readonly SinkResult[]): void {
    batch.entries.forEach(({ record }, index) => {
      const status = results[index]?.status
      const states = this.#states.get(batch.sink)
      if (status === 'accepted') states?.set(record.id, 'delivered')
      if (status === 'rejected') states?.set(record.id, 'dead')
    })
  }

  /** Moves dead letters on, and says how many. */
  bring(sink: string, ids: readonly string[] | undefined, to: 'pending' | 'discarded'): number {
    const states = this.#states.get(sink) ?? new Map<string, State>()
    const dead = [...states.keys()].filter((id) => states.get(id) === 'dead')
    const chosen = dead.filter((id) => ids === undefined || ids.includes(id))
    for (const id of chosen) states.set(id, to)
    return chosen.length
  }

  /** Whether a claim may give this record out. */
  isPending(sink: string, id: string): boolean {
    return this.#states.get(sink)?.get(id) === 'pending' && this.#customers.get(id) !== null
  }

  isPrunable(id: string): boolean {
    const states = [...this.#states.values()].map((bySink) => bySink.get(id))
    const settled = states.every((state) => state === 'delivered' || state === 'discarded')
    return settled && this.#customers.get(id) !== null
  }

  stats(sink: string): SinkStats {
    const stats = { pending: 0, delivered: 0, dead: 0, unattributed: 0, discarded: 0 }
    for (const [id, state] of this.#states.get(sink) ?? []) {
      stats[this.#customers.get(id) === null ? 'unattributed' : state]++
    }
    return { recorded: this.#customers.size, ...stats }
  }
}
