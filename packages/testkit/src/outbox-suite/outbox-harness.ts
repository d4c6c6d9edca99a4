import type { Awaitable, Batch, Outbox, SinkResult } from '@token-meter/core/adapter'
import type { UsageRecord } from '@token-meter/core/wire'
import { exampleRecord } from '../example-record.ts'

/** How the conformance suite gets at an outbox. */
export interface OutboxSuite {
  /** A new, empty outbox that tells the time by `now`. */
  open(now: () => number): Awaitable<Outbox>
  /** Another connection to what the last `open` made. Left out where nothing outlives an outbox. */
  reopen?(now: () => number): Awaitable<Outbox>
}

export const accepted = { status: 'accepted' } as const satisfies SinkResult
export const retry = { status: 'retry', reason: 'busy' } as const satisfies SinkResult
export const rejected = {
  status: 'rejected',
  reason: 'no such customer',
} as const satisfies SinkResult

/** The sink that the tests deliver to, where one is enough. */
export const sink = 'alpha'
export const leaseMs = 1000

const startMs = 1_800_000_000_000

/** An outbox under test, and a clock that only the test moves. */
export class OutboxHarness {
  readonly outbox: Outbox
  readonly #suite: OutboxSuite
  readonly #others: Outbox[] = []
  nowMs = startMs

  static async open(suite: OutboxSuite): Promise<OutboxHarness> {
    let harness: OutboxHarness | undefined
    const outbox = await suite.open(() => harness?.nowMs ?? startMs)
    return (harness = new OutboxHarness(suite, outbox))
  }

  private constructor(suite: OutboxSuite, outbox: Outbox) {
    this.#suite = suite
    this.outbox = outbox
  }

  /** What a second process would have, where the outbox can be shared. */
  async another(): Promise<Outbox> {
    if (this.#suite.reopen === undefined) throw new Error('this outbox cannot be opened again')
    const outbox = await this.#suite.reopen(() => this.nowMs)
    this.#others.push(outbox)
    return outbox
  }

  /** New records that are not kept yet. */
  many(count: number, overrides: Partial<UsageRecord> = {}): UsageRecord[] {
    return Array.from({ length: count }, () => exampleRecord(overrides))
  }

  /** Keeps new records, one by one, and returns them. */
  async add(count: number, overrides: Partial<UsageRecord> = {}): Promise<UsageRecord[]> {
    const records = this.many(count, overrides)
    for (const record of records) await this.outbox.append([record])
    return records
  }

  async claim(limit = 100, from = sink): Promise<Batch | undefined> {
    return this.outbox.claim(from, { limit, leaseMs })
  }

  /** A claim that must succeed. */
  async take(limit = 100, from = sink): Promise<Batch> {
    const batch = await this.claim(limit, from)
    if (batch === undefined) throw new Error(`nothing could be claimed for ${from}`)
    return batch
  }

  /** Claims one batch and settles all of it the same way. */
  async settleAll(result: SinkResult, from = sink): Promise<Batch> {
    const batch = await this.take(100, from)
    await this.outbox.settle(
      batch,
      batch.entries.map(() => result),
    )
    return batch
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const outbox of [this.outbox, ...this.#others]) await outbox.close()
  }
}

export function idsOf(batch: Batch | undefined): readonly string[] {
  return (batch?.entries ?? []).map(({ record }) => record.id)
}

export function ids(records: readonly UsageRecord[]): readonly string[] {
  return records.map(({ id }) => id)
}
