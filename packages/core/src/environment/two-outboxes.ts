import type { LedgerPage, Outbox, SinkStats } from '../outbox/outbox.ts'
import type { TemporaryOutbox } from '../outbox/memory/memory-outbox.ts'

/** Every method of the contract, so that none is forgotten here. What fails is told by `report`. */
export type WholeOutbox = Required<Omit<Outbox, 'onFault'>>

/**
 * What is asked of usage that is partly in memory and partly in an outbox: the answers of both as one,
 * what is in memory first.
 */
export abstract class TwoOutboxes {
  /** What dies with the process. */
  abstract readonly inMemory: TemporaryOutbox
  /** Absent while it cannot be used. */
  protected abstract readonly kept: Outbox | undefined
  /** Records that were in memory and are in the outbox now. */
  protected moved = 0

  stats: Outbox['stats'] = (sink) => this.both((outbox) => outbox.stats(sink), sumOfStats)

  recorded: Outbox['recorded'] = () =>
    this.kept === undefined
      ? this.inMemory.recorded()
      : this.both(
          (outbox) => outbox.recorded(),
          (inMemory, kept) => inMemory - this.moved + kept,
        )

  deadLetters: Outbox['deadLetters'] = (...asked) =>
    this.both(
      (outbox) => outbox.deadLetters(...asked),
      (a, b) => [...a, ...b].slice(0, asked[1]),
    )

  requeue: Outbox['requeue'] = (...asked) => this.both((outbox) => outbox.requeue(...asked), sum)

  discard: Outbox['discard'] = (...asked) => this.both((outbox) => outbox.discard(...asked), sum)

  unattributed: Outbox['unattributed'] = (...asked) =>
    this.both(
      (outbox) => outbox.unattributed(...asked),
      (a, b) => [...a, ...b].slice(0, asked[0]),
    )

  attribute: Outbox['attribute'] = (...asked) =>
    this.both((outbox) => outbox.attribute(...asked), sum)

  find: Outbox['find'] = (id) =>
    this.both(
      (outbox) => outbox.find(id),
      (a, b) => a ?? b,
    )

  /** What is in memory first; its places are told from the outbox's own by their sign. */
  ledger: Outbox['ledger'] = async (sink, query = {}) => {
    const { after = -1, limit = 1000 } = query
    if (this.kept === undefined || (this.inMemory.isEmpty && after < 0)) {
      return await (this.kept ?? this.inMemory).ledger(sink, query)
    }
    if (after >= 0) return await this.kept.ledger(sink, query)
    const first = await this.inMemory.ledger(sink, { ...query, after: -1 - after })
    if (first.next !== undefined) return { entries: first.entries, next: -1 - first.next }
    const room = Math.max(1, limit) - first.entries.length
    if (room <= 0) return { entries: first.entries, next: 0 }
    const { after: _, ...afresh } = query
    const then: LedgerPage = await this.kept.ledger(sink, {
      ...afresh,
      limit: room,
    })
    return { ...then, entries: [...first.entries, ...then.entries] }
  }

  correct: Outbox['correct'] = (...asked) => this.both((outbox) => outbox.correct(...asked), sum)

  distrust: Outbox['distrust'] = (...asked) => this.both((outbox) => outbox.distrust(...asked), sum)

  prune: Outbox['prune'] = (beforeMs) => this.both((outbox) => outbox.prune(beforeMs), sum)

  release: Outbox['release'] = (...asked) => this.both((outbox) => outbox.release(...asked), sum)

  drop: Outbox['drop'] = (...asked) => this.both((outbox) => outbox.drop(...asked), sum)

  protected both<Value>(
    ask: (outbox: Outbox) => Value | Promise<Value>,
    join: (inMemory: Value, kept: Value) => Value,
  ): Value | Promise<Value> {
    const outbox = this.kept
    if (outbox === undefined) return ask(this.inMemory)
    if (this.inMemory.isEmpty && this.inMemory.recorded() === this.moved) return ask(outbox)
    const inMemory = ask(this.inMemory)
    const kept = ask(outbox)
    if (inMemory instanceof Promise || kept instanceof Promise) {
      return Promise.all([inMemory, kept]).then(([a, b]) => join(a, b))
    }
    return join(inMemory, kept)
  }
}

const sum = (a: number, b: number): number => a + b

function sumOfStats(a: SinkStats, b: SinkStats): SinkStats {
  const oldest = [a.oldestPendingAt, b.oldestPendingAt].filter((at) => at !== undefined)
  return {
    recorded: a.recorded + b.recorded,
    pending: a.pending + b.pending,
    delivered: a.delivered + b.delivered,
    dead: a.dead + b.dead,
    unattributed: a.unattributed + b.unattributed,
    discarded: a.discarded + b.discarded,
    held: a.held + b.held,
    ...(oldest.length > 0 && { oldestPendingAt: Math.min(...oldest) }),
  }
}
