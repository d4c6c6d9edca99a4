import type { UsageRecord } from '../../src/usage/usage-record.ts'
import type { SinkResult } from '../../src/sink/sink.ts'
import type { Batch, SinkStats } from '../../src/outbox/outbox.ts'

type State = 'pending' | 'delivered' | 'dead' | 'discarded'

/** What an outbox should say, kept in the most simple way: the oracle of the property tests. */
export class OutboxModel {
  readonly #customers = new Map<string, string | null>()
  readonly #states = new Map<string, Map<string, State>>()
  /** By sink and record id. */
  readonly #uncertainSince = new Map<string, number>()

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

  /** A claim of this time ended without anybody knowing whether these records arrived. */
  doubt(sink: string, ids: readonly string[], claimedAt: number): void {
    for (const id of ids) {
      const key = `${sink} ${id}`
      this.#uncertainSince.set(key, this.#uncertainSince.get(key) ?? claimedAt)
    }
  }

  uncertainSince(sink: string, id: string): number | undefined {
    return this.#uncertainSince.get(`${sink} ${id}`)
  }

  settle(batch: Batch, results: readonly SinkResult[], claimedAt: number): void {
    batch.entries.forEach(({ record }, index) => {
      const result = results[index]
      const states = this.#states.get(batch.sink)
      if (result?.status !== 'retry') this.#uncertainSince.delete(`${batch.sink} ${record.id}`)
      else if (result.uncertain) this.doubt(batch.sink, [record.id], claimedAt)
      if (result?.status === 'accepted') states?.set(record.id, 'delivered')
      if (result?.status === 'rejected') states?.set(record.id, 'dead')
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
