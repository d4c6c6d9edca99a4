import { expect } from 'vitest'
import type { SinkResult } from '../../src/sink/sink-result.ts'
import type { UsageRecord } from '../../src/usage/usage-record.ts'
import { OutboxModel } from './outbox-model.ts'
import type { Batch, BatchEntry } from '../../src/sink/batch.ts'
import type { LedgerEntry, LedgerQuery, Outbox } from '../../src/outbox/outbox.ts'

export const sinks = ['alpha', 'beta'] as const
const leaseMs = 1000

interface LeftBatch {
  readonly sink: string
  lease: string
  readonly ids: Set<string>
  readonly claimedAt: number
  ends: number
}

/** In place of the lease of a batch that nobody holds. */
const settled = ''

/** The same things done to several outboxes, which must agree with each other and with the model. */
export class OutboxWorld {
  nowMs = 1_000_000
  readonly #outboxes: readonly Outbox[]
  readonly #model = new OutboxModel()
  readonly #records = new Map<string, UsageRecord>()
  readonly #pruned = new Set<string>()
  /** Every batch ever claimed, one per outbox. */
  readonly #claims: (readonly Batch[])[] = []
  /** What is left of the batches, and the lease that can settle each, by the first outbox's id. */
  readonly #left = new Map<string, LeftBatch>()

  constructor(open: (now: () => number) => readonly Outbox[]) {
    this.#outboxes = open(() => this.nowMs)
  }

  async append(records: readonly UsageRecord[]): Promise<void> {
    // An id that was pruned would count as new.
    const kept = records.filter(({ id }) => !this.#pruned.has(id))
    for (const record of kept) {
      this.#model.append(record)
      if (!this.#records.has(record.id)) this.#records.set(record.id, record)
    }
    for (const outbox of this.#outboxes) await outbox.append(kept)
  }

  async claim(sink: string, limit: number): Promise<void> {
    this.#model.registerSink(sink)
    const batches = await this.#all((outbox) => outbox.claim(sink, { limit, leaseMs }))
    const [batch] = batches
    const entries = this.#agreed(batches.map(entriesOf))
    if (batch === undefined || entries === undefined) {
      expect(await this.#outboxes[0]?.nextDueAt(sink)).not.toBe(this.nowMs)
      return
    }
    const ids = entries.map(({ record }) => record.id)
    for (const id of ids) expect(this.#model.isPending(sink, id)).toBe(true)
    const left = this.#left.get(batch.id)
    if (left === undefined) {
      expect(ids.length).toBeLessThanOrEqual(limit)
      for (const other of this.#left.values()) {
        expect(ids.filter((id) => other.ids.has(`${sink} ${id}`))).toEqual([])
      }
    } else {
      expect(left.ends).toBeLessThanOrEqual(this.nowMs)
      if (left.lease !== settled) this.#model.doubt(sink, ids, left.claimedAt)
      expect(ids.map((id) => `${sink} ${id}`)).toEqual([...left.ids])
    }
    for (const { record, uncertainSince } of entries) {
      expect(uncertainSince).toBe(this.#model.uncertainSince(sink, record.id))
    }
    const { lease } = batch
    const ends = this.nowMs + leaseMs
    const held = new Set(ids.map((id) => `${sink} ${id}`))
    this.#left.set(batch.id, { sink, lease, ids: held, claimedAt: this.nowMs, ends })
    this.#claims.push(batches.filter((one) => one !== undefined))
  }

  /** Settles one of the latest claims, whether or not it is current. */
  async settle(ago: number, results: readonly SinkResult[]): Promise<void> {
    const batches = this.#claims.at(-1 - ago)
    const batch = batches?.[0]
    if (batches === undefined || batch === undefined) return
    const done = await this.#all((outbox, index) => outbox.settle(batches[index] ?? batch, results))
    const left = this.#left.get(batch.id)
    const isCurrent = left?.lease === batch.lease
    expect(this.#agreed(done)).toBe(isCurrent)
    if (left === undefined || !isCurrent) return
    this.#model.settle(batch, results, left.claimedAt)
    left.lease = settled
    left.ends = 0
    batch.entries.forEach(({ record }, index) => {
      if (results[index]?.status !== 'retry') left.ids.delete(`${batch.sink} ${record.id}`)
    })
    if (left.ids.size === 0) this.#left.delete(batch.id)
  }

  async expedite(sink: string): Promise<void> {
    await this.#all((outbox) => outbox.expedite(sink))
  }

  async requeue(sink: string, ids: readonly string[] | undefined): Promise<void> {
    const counts = await this.#all((outbox) => outbox.requeue(sink, ids))
    expect(this.#agreed(counts)).toBe(this.#model.bring(sink, ids, 'pending'))
  }

  async discard(sink: string, ids: readonly string[] | undefined): Promise<void> {
    const counts = await this.#all((outbox) => outbox.discard(sink, ids))
    expect(this.#agreed(counts)).toBe(this.#model.bring(sink, ids, 'discarded'))
  }

  async correct(
    sink: string,
    ids: readonly string[],
    to: 'delivered' | 'dead' | 'discarded',
    refused: readonly string[],
  ): Promise<void> {
    const events = { refusedEventIds: refused, deliveredEventIds: ['a', 'd'] }
    const counts = await this.#all((outbox) =>
      refused.length > 0
        ? outbox.correct(sink, ids, { state: to, reason: 'corrected', ...events })
        : outbox.correct(sink, ids, { state: to, reason: 'corrected' }),
    )
    expect(this.#agreed(counts)).toBe(this.#model.correct(sink, ids, to, refused))
  }

  async distrust(sinceMs: number): Promise<void> {
    const counts = await this.#all((outbox) => outbox.distrust(sinceMs))
    for (const { lease, sink, ids, claimedAt } of this.#left.values()) {
      const held = [...ids].map((id) => id.slice(sink.length + 1))
      if (lease !== settled) this.#model.doubt(sink, held, claimedAt)
    }
    expect(this.#agreed(counts)).toBe(this.#model.distrust(sinceMs))
  }

  async registerSink(sink: string, sinceMs: number): Promise<void> {
    const answers = await this.#all((outbox) => outbox.registerSink(sink, { sinceMs }))
    expect(this.#agreed(answers)).toBe(this.#model.registerSink(sink, sinceMs))
  }

  async removeSink(sink: string): Promise<void> {
    const answers = await this.#all((outbox) => outbox.removeSink(sink))
    expect(this.#agreed(answers)).toBe(this.#model.removeSink(sink))
    for (const [id, left] of this.#left) if (left.sink === sink) this.#left.delete(id)
  }

  /** The whole answer to a query, page by page. */
  async ledger(sink: string, query: LedgerQuery): Promise<readonly LedgerEntry[]> {
    const entries: LedgerEntry[] = []
    let after = query.after ?? 0
    for (;;) {
      const pages = await this.#all((outbox) => outbox.ledger(sink, { ...query, after }))
      const page = this.#agreed(pages)
      entries.push(...(page?.entries ?? []))
      if (page?.next === undefined) return entries
      after = page.next
    }
  }

  async attribute(ids: readonly string[]): Promise<void> {
    const present = ids.filter((id) => !this.#pruned.has(id))
    const counts = await this.#all((outbox) => outbox.attribute(present, 'cus_late'))
    expect(this.#agreed(counts)).toBe(this.#model.attribute(present, 'cus_late'))
  }

  async prune(beforeMs: number): Promise<void> {
    const counts = await this.#all((outbox) => outbox.prune(beforeMs))
    const gone = this.#model.prune(beforeMs)
    for (const id of gone) this.#pruned.add(id)
    expect(this.#agreed(counts)).toBe(gone.length)
  }

  async check(): Promise<void> {
    for (const sink of sinks) {
      const stats = this.#agreed(await this.#all((outbox) => outbox.stats(sink)))
      const entries = await this.ledger(sink, { limit: 7 })
      if (this.#model.isKnown(sink)) {
        expect(stats).toEqual(this.#model.stats(sink))
        expect(
          entries.map(({ record, state, refusedEventIds = [] }) => [
            record.id,
            state,
            refusedEventIds.toSorted(),
          ]),
        ).toEqual(this.#model.ledger(sink))
      }
      const areSettled = await this.#all(async (outbox) =>
        outbox.isSettled(sink, await outbox.position()),
      )
      expect(this.#agreed(areSettled)).toBe(stats?.pending === 0)
      this.#agreed(await this.#all((outbox) => outbox.isSettled(sink, 5)))
      this.#agreed(await this.#all((outbox) => outbox.nextDueAt(sink)))
      const dead = this.#agreed(await this.#all((outbox) => outbox.deadLetters(sink)))
      expect(dead?.length).toBe(stats?.dead)
    }
    const late = this.#agreed(await this.#all((outbox) => outbox.stats('late')))
    expect(late?.recorded).toBe((late?.pending ?? 0) + (late?.unattributed ?? 0))
    expect(late?.recorded).toBe(this.#records.size - this.#pruned.size)
    this.#agreed(await this.#all((outbox) => outbox.unattributed()))
    const recorded = await this.#all((outbox) => outbox.recorded())
    expect(this.#agreed(recorded)).toBe(this.#records.size)
    for (const id of this.#records.keys()) {
      const found = this.#agreed(await this.#all((outbox) => outbox.find(id)))
      expect(found === undefined).toBe(this.#pruned.has(id))
    }
  }

  async close(): Promise<void> {
    await this.#all((outbox) => outbox.close())
  }

  #all<Value>(ask: (outbox: Outbox, index: number) => Value | Promise<Value>): Promise<Value[]> {
    return Promise.all(this.#outboxes.map(async (outbox, index) => ask(outbox, index)))
  }

  #agreed<Value>(answers: readonly Value[]): Value | undefined {
    for (const answer of answers) expect(answer).toEqual(answers[0])
    return answers[0]
  }
}

/** Ids of batches are random, and stand in entries of a copy. */
function entriesOf(batch: Batch | undefined): readonly BatchEntry[] | undefined {
  return batch?.entries.map((entry) =>
    entry.uncertainIn === batch.id ? { ...entry, uncertainIn: 'the batch' } : entry,
  )
}
