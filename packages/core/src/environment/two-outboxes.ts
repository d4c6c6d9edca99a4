import type { Appended, LedgerPage, Outbox, SinkStats } from '../outbox/outbox.ts'
import type { AppendOptions } from '../outbox/companion.ts'
import type { TemporaryOutbox } from '../outbox/memory/memory-outbox.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import type { TakenId } from '../outbox/taken-id.ts'

/** Every method of the contract, so that none is forgotten here. What fails is told by `report`. */
export type WholeOutbox = Required<Omit<Outbox, 'onFault' | 'store'>>

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

  statesOf: Outbox['statesOf'] = (...asked) =>
    this.both(
      (outbox) => outbox.statesOf(...asked),
      (a, b) => a.map((state, index) => state ?? b[index]),
    )

  restored: Outbox['restored'] = () => this.both((outbox) => outbox.restored(), sum)

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

  waiting = (): number => this.kept?.waiting?.() ?? 0

  /** What memory has is not being appended: it is told at the end. */
  saveNow = (): boolean => this.kept?.saveNow?.() ?? false

  mark: Outbox['mark'] = async (...marking) =>
    (await this.inMemory.mark(...marking)) || ((await this.kept?.mark(...marking)) ?? false)

  settle: Outbox['settle'] = async (...settling) =>
    (await this.inMemory.settle(...settling)) || ((await this.kept?.settle(...settling)) ?? false)

  expedite: Outbox['expedite'] = async (sink) => {
    await this.inMemory.expedite(sink)
    await this.kept?.expedite(sink)
  }

  rename: Outbox['rename'] = (from, to) =>
    this.both(
      (outbox) => outbox.rename(from, to),
      (a, b) => a || b,
    )

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

/** Of flushes that may still be waiting. */
const maxPositions = 1000

/** Positions in both at once, under a number of their own. */
export class JoinedPositions {
  readonly #positions = new Map<number, { readonly inMemory: number; kept: number }>()
  #last = 0

  add(inMemory: number, kept: number): number {
    this.#positions.set(++this.#last, { inMemory, kept })
    if (this.#positions.size > maxPositions) this.#positions.delete(this.#last - maxPositions)
    return this.#last
  }

  get(position: number): { readonly inMemory: number; readonly kept: number } | undefined {
    return this.#positions.get(position)
  }

  /** What was in memory has moved: it is in the outbox up to there. */
  raiseKept(kept: number): void {
    for (const both of this.#positions.values()) both.kept = Math.max(both.kept, kept)
  }
}

const sum = (a: number, b: number): number => a + b

function sumOfStats(a: SinkStats, b: SinkStats): SinkStats {
  const covered = (a.covered ?? 0) + (b.covered ?? 0)
  const oldest = [a.oldestPendingAt, b.oldestPendingAt].filter((at) => at !== undefined)
  return {
    recorded: a.recorded + b.recorded,
    pending: a.pending + b.pending,
    delivered: a.delivered + b.delivered,
    dead: a.dead + b.dead,
    unattributed: a.unattributed + b.unattributed,
    discarded: a.discarded + b.discarded,
    held: a.held + b.held,
    ...(covered > 0 && { covered }),
    ...(oldest.length > 0 && { oldestPendingAt: Math.min(...oldest) }),
  }
}

/** Keeps what the other one does not have already: an id is kept once. */
export function appendBeside(
  outbox: Outbox,
  other: Outbox | undefined,
  records: readonly UsageRecord[],
  options?: AppendOptions,
): Appended | Promise<Appended> {
  const taken = other === undefined ? [] : takenIn(other, records)
  if (taken.length === 0) return outbox.append(records, options)
  const rest = new Set(records)
  for (const { record } of taken) rest.delete(record)
  const appended = outbox.append([...rest], options)
  return appended instanceof Promise
    ? appended.then((more) => [...taken, ...(more ?? [])])
    : [...taken, ...(appended ?? [])]
}

/** As far as it can say at once. */
function takenIn(outbox: Outbox, records: readonly UsageRecord[]): TakenId[] {
  return records.flatMap((record) => {
    try {
      const kept = outbox.find(record.id)
      if (kept instanceof Promise) kept.catch(() => {})
      return kept === undefined || kept instanceof Promise ? [] : { record, kept }
    } catch {
      return []
    }
  })
}
