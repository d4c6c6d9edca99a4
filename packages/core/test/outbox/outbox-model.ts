import type { UsageRecord } from '../../src/usage/usage-record.ts'
import type { SinkResult } from '../../src/sink/sink-result.ts'
import type { Batch } from '../../src/sink/batch.ts'
import type { RecordState, SinkStats } from '../../src/outbox/outbox.ts'

type State = 'pending' | 'delivered' | 'dead' | 'discarded'

/** What one sink should have. */
interface SinkModel {
  readonly states: Map<string, State>
  readonly uncertainSince: Map<string, number>
  readonly refused: Map<string, Set<string>>
}

/** What an outbox should say, kept in the most simple way: the oracle of the property tests. */
export class OutboxModel {
  /** In order of coming, pruned ones too. */
  readonly #records = new Map<string, { customer: string | null; readonly at: number }>()
  readonly #pruned = new Set<string>()
  readonly #sinks = new Map<string, SinkModel>()
  /** Since when a record is uncertain for a sink that has not had it yet. */
  readonly #distrusted = new Map<string, number>()

  append({ id, customer, at }: UsageRecord): void {
    if (this.#records.has(id)) return
    this.#records.set(id, { customer, at })
    for (const { states } of this.#sinks.values()) states.set(id, 'pending')
  }

  isKnown(sink: string): boolean {
    return this.#sinks.has(sink)
  }

  /** Returns whether it was unknown. */
  registerSink(sink: string, sinceMs = -Infinity): boolean {
    if (this.#sinks.has(sink)) return false
    const ids = [...this.#records.keys()].filter((id) => !this.#pruned.has(id))
    const first = ids.findIndex((id) => (this.#records.get(id)?.at ?? 0) >= sinceMs)
    const counted = first === -1 ? [] : ids.slice(first)
    const states = new Map(counted.map((id) => [id, 'pending' as State]))
    const distrusted = counted.flatMap((id) => {
      const since = this.#distrusted.get(id)
      return since === undefined ? [] : [[id, since] as const]
    })
    this.#sinks.set(sink, { states, uncertainSince: new Map(distrusted), refused: new Map() })
    return true
  }

  removeSink(sink: string): boolean {
    return this.#sinks.delete(sink)
  }

  attribute(ids: readonly string[], customer: string): number {
    const named = [...new Set(ids)].flatMap((id) => {
      const record = this.#records.get(id)
      return record !== undefined && record.customer === null ? [record] : []
    })
    for (const record of named) record.customer = customer
    return named.length
  }

  /** A claim of this time ended without anybody knowing whether these records arrived. */
  doubt(sink: string, ids: readonly string[], claimedAt: number): void {
    const uncertainSince = this.#sinks.get(sink)?.uncertainSince
    for (const id of ids) uncertainSince?.set(id, uncertainSince.get(id) ?? claimedAt)
  }

  /** All that waits may have been delivered elsewhere. Says how many records wait. */
  distrust(sinceMs: number): number {
    const lower = (since: Map<string, number>, id: string) =>
      since.set(id, Math.min(since.get(id) ?? sinceMs, sinceMs))
    const sinks = [...this.#sinks.values()]
    let count = 0
    for (const [id, { customer }] of this.#records) {
      lower(this.#distrusted, id)
      const waiting = sinks.filter(({ states }) => states.get(id) === 'pending')
      for (const { uncertainSince } of waiting) lower(uncertainSince, id)
      const waits = sinks.length === 0 ? !this.#pruned.has(id) : waiting.length > 0
      if (waits && customer !== null) count++
    }
    return count
  }

  uncertainSince(sink: string, id: string): number | undefined {
    return this.#sinks.get(sink)?.uncertainSince.get(id)
  }

  settle(batch: Batch, results: readonly SinkResult[], claimedAt: number): void {
    const sink = this.#sinks.get(batch.sink)
    batch.entries.forEach(({ record }, index) => {
      const result = results[index]
      if (result?.status !== 'retry') sink?.uncertainSince.delete(record.id)
      else if (result.uncertain) this.doubt(batch.sink, [record.id], claimedAt)
      if (result?.status === 'accepted') sink?.states.set(record.id, 'delivered')
      if (result?.status === 'rejected') sink?.states.set(record.id, 'dead')
    })
  }

  /** Moves dead letters on, and says how many. */
  bring(sink: string, ids: readonly string[] | undefined, to: 'pending' | 'discarded'): number {
    const states = this.#sinks.get(sink)?.states ?? new Map<string, State>()
    const dead = [...states.keys()].filter((id) => states.get(id) === 'dead')
    const chosen = dead.filter((id) => ids === undefined || ids.includes(id))
    for (const id of chosen) states.set(id, to)
    return chosen.length
  }

  /** Moves settled records, and says how many. */
  correct(sink: string, ids: readonly string[], to: State, refused: readonly string[]): number {
    let moved = 0
    for (const id of new Set(ids)) {
      const model = this.#sinks.get(sink)
      const state = model?.states.get(id)
      const isSettled = state !== undefined && state !== 'pending'
      if (!isSettled || this.#pruned.has(id) || model === undefined) continue
      const known = model.refused.get(id) ?? new Set()
      if (to === 'dead' && refused.length > 0) {
        if (refused.every((event) => known.has(event))) continue
        model.refused.set(id, new Set([...known, ...refused]))
      }
      if (state !== to) moved++
      model.states.set(id, to)
    }
    return moved
  }

  /** Whether a claim may give this record out. */
  isPending(sink: string, id: string): boolean {
    return this.#sinks.get(sink)?.states.get(id) === 'pending' && !this.#isUnattributed(id)
  }

  /** Deletes what is settled, and says which those are. */
  prune(beforeMs: number): string[] {
    if (this.#sinks.size === 0) return []
    const gone = [...this.#records].flatMap(([id, { at }]) => {
      const states = [...this.#sinks.values()].map((sink) => sink.states.get(id))
      const isSettled = states.every((state) => state !== 'pending' && state !== 'dead')
      const isOld = at < beforeMs && !this.#isUnattributed(id) && !this.#pruned.has(id)
      return isSettled && isOld ? [id] : []
    })
    for (const id of gone) {
      this.#pruned.add(id)
      for (const sink of this.#sinks.values()) sink.refused.delete(id)
    }
    return gone
  }

  /** The ledger of a sink that is known: id, state, refused events. */
  ledger(sink: string): [string, RecordState, string[]][] {
    const { states, refused } = this.#sinks.get(sink) ?? {}
    const kept = [...(states ?? [])].filter(([id]) => !this.#pruned.has(id))
    return kept.map(([id, state]) => [
      id,
      this.#isUnattributed(id) ? 'unattributed' : state,
      [...(refused?.get(id) ?? [])].toSorted(),
    ])
  }

  stats(sink: string): SinkStats {
    const stats = { pending: 0, delivered: 0, dead: 0, unattributed: 0, discarded: 0, held: 0 }
    const states = this.#sinks.get(sink)?.states ?? new Map<string, State>()
    for (const [id, state] of states) {
      stats[this.#isUnattributed(id) ? 'unattributed' : state]++
    }
    const oldest = [...states.keys()].find((id) => this.isPending(sink, id))
    const oldestPendingAt = oldest === undefined ? undefined : this.#records.get(oldest)?.at
    const recorded = states.size
    return { recorded, ...stats, ...(oldestPendingAt !== undefined && { oldestPendingAt }) }
  }

  #isUnattributed(id: string): boolean {
    return this.#records.get(id)?.customer === null
  }
}
