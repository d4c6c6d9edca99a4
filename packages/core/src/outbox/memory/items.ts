import { type Refusal, refusalOf } from '../../errors/refusal.ts'
import type { BatchEntry } from '../../sink/batch.ts'
import type { Correction, SettledState } from '../outbox.ts'
import {
  correctedEvents,
  coveredCode,
  distrusted,
  type KnownEvents,
  type Outcome,
  type Uncertainty,
  uncertaintyFields,
} from '../rules.ts'

/** A record that a sink's cursor has passed and that is not delivered. */
export interface Item {
  state: 'requeued' | 'batched' | 'dead' | 'discarded' | 'held' | 'covered'
  attempts: number
  firstAttemptAt: number | undefined
  uncertain: Uncertainty
  deliveredEventIds: readonly string[]
  reason: string | undefined
  refusal: Refusal
  failedAt: number
  /** Somebody said that it goes out: it is never held again. */
  isReleased: boolean
}

type Why = Pick<Item, 'reason' | 'refusal'>

/** An item that was never tried. */
function freshItem(state: Item['state'], uncertainSince?: number): Item {
  return {
    state,
    attempts: 0,
    firstAttemptAt: undefined,
    uncertain: { uncertainSince },
    deliveredEventIds: [],
    reason: undefined,
    refusal: {},
    failedAt: 0,
    isReleased: false,
  }
}

/**
 * The records that the cursor of one sink has passed, by `seq`: what has an item is not delivered.
 * Discarded ones keep theirs until they are pruned.
 */
export class Items {
  delivered = 0
  discarded = 0
  covered = 0
  readonly held = new Set<number>()
  /** In the order in which they failed. */
  readonly dead = new Set<number>()
  #requeued = new Set<number>()
  #requeuedInOrder = true
  readonly #items = new Map<number, Item>()
  /** Meter events that were refused after they had been accepted: known as long as the record. */
  readonly #refused = new Map<number, readonly string[]>()

  get requeued(): ReadonlySet<number> {
    return this.#requeued
  }

  requeuedByAge(): ReadonlySet<number> {
    if (!this.#requeuedInOrder) {
      this.#requeued = new Set([...this.#requeued].toSorted((a, b) => a - b))
      this.#requeuedInOrder = true
    }
    return this.#requeued
  }

  get(seq: number): Item | undefined {
    return this.#items.get(seq)
  }

  /** @throws when the record is delivered, or not yet reached. */
  at(seq: number): Item {
    const item = this.#items.get(seq)
    if (item === undefined) throw new RangeError(`Record ${seq} is not on its way to the sink`)
    return item
  }

  knownEvents(seq: number): KnownEvents {
    const { deliveredEventIds = [] } = this.get(seq) ?? {}
    return { deliveredEventIds, refusedEventIds: this.#refused.get(seq) ?? [] }
  }

  learnEvents(seq: number, { deliveredEventIds, refusedEventIds }: KnownEvents): void {
    const item = this.get(seq)
    if (item !== undefined) item.deliveredEventIds = deliveredEventIds
    if (refusedEventIds.length > 0) this.#refused.set(seq, refusedEventIds)
  }

  /** As a field of an entry, absent where there are none. */
  refusedField(seq: number): { readonly refusedEventIds?: readonly string[] } {
    const refusedEventIds = this.#refused.get(seq)
    return refusedEventIds === undefined ? {} : { refusedEventIds }
  }

  /** @param uncertainSince of a record that has no item yet. */
  putIntoBatch(seq: number, uncertainSince: number | undefined): void {
    this.#requeued.delete(seq)
    const item = this.get(seq) ?? freshItem('batched', uncertainSince)
    this.#items.set(seq, { ...item, state: 'batched' })
  }

  /** Counts a claim. Returns what the claim gives out: what was known before it. */
  beginAttempt(seq: number, nowMs: number): Omit<BatchEntry, 'record'> {
    const item = this.at(seq)
    const { attempts, firstAttemptAt, uncertain, deliveredEventIds } = item
    item.attempts++
    item.firstAttemptAt ??= nowMs
    return {
      attempts,
      firstAttemptAt,
      ...uncertaintyFields(uncertain),
      deliveredEventIds,
      ...this.refusedField(seq),
    }
  }

  /** What a result has made of a record in a batch. */
  apply(seq: number, outcome: Outcome, nowMs: number): void {
    if (outcome.state === 'delivered') return this.deliver(seq)
    if (outcome.state === 'covered') return this.cover(seq)
    const item = this.at(seq)
    item.deliveredEventIds = outcome.deliveredEventIds
    if (outcome.state === 'dead') this.deadLetter(seq, outcome, nowMs)
    else item.uncertain = outcome.uncertain
  }

  deliver(seq: number): void {
    this.dead.delete(seq)
    this.#items.delete(seq)
    this.delivered++
  }

  /** Paid for by prepaid credit. */
  cover(seq: number): void {
    this.#items.set(seq, { ...freshItem('covered'), refusal: { code: coveredCode } })
    this.covered++
  }

  deadLetter(seq: number, { reason, refusal }: Why, nowMs: number): void {
    const item = this.get(seq) ?? { ...freshItem('dead'), attempts: 1 }
    this.#items.set(seq, { ...item, reason, refusal, state: 'dead', failedAt: nowMs })
    this.dead.add(seq)
  }

  /** @param why where it is not what it was dead for. */
  discard(seq: number, why?: Why): void {
    const item = this.get(seq) ?? { ...freshItem('discarded'), attempts: 1 }
    this.#items.set(seq, { ...item, ...why, state: 'discarded' })
    this.dead.delete(seq)
    this.held.delete(seq)
    this.discarded++
  }

  /** Moves a settled record. Returns whether it moved. */
  correct(
    seq: number,
    from: SettledState | 'covered',
    correction: Correction,
    nowMs: number,
  ): boolean {
    const { state: to, reason } = correction
    const known = this.knownEvents(seq)
    const corrected = correctedEvents(known, from === 'covered' ? 'discarded' : from, correction)
    if (corrected === undefined) return false
    if (from !== to) {
      const why = { reason, refusal: refusalOf(correction) }
      if (from === 'delivered') this.delivered--
      if (from === 'discarded') this.discarded--
      if (from === 'covered') this.covered--
      if (to === 'delivered') this.deliver(seq)
      else if (to === 'dead') this.deadLetter(seq, why, nowMs)
      else this.discard(seq, why)
    }
    if (corrected !== known) this.learnEvents(seq, corrected)
    return from !== to
  }

  /** Starts over, but for what the sink already has of it. */
  requeue(seq: number, uncertainSince?: number): void {
    const { deliveredEventIds = [], isReleased = false } = this.get(seq) ?? {}
    this.dead.delete(seq)
    this.#requeue(seq, { ...freshItem('requeued', uncertainSince), deliveredEventIds, isReleased })
  }

  /** Not given out; what an attempt at another backend left says nothing. */
  hold(seq: number): void {
    this.#requeued.delete(seq)
    this.#items.set(seq, freshItem('held'))
    this.held.add(seq)
  }

  /**
   * @param uncertainSince what is not known of a record that waits.
   * @param isReleased never to be held again, whatever it is.
   */
  release(seq: number, uncertainSince: number | undefined, isReleased = false): void {
    this.held.delete(seq)
    this.#requeue(seq, { ...freshItem('requeued', uncertainSince), isReleased })
  }

  /** In place of what is held, what it was with a sink whose place this one takes. */
  takeOver(seq: number, item: Item | undefined): void {
    if (item?.state !== 'held') this.held.delete(seq)
    if (item === undefined) this.#items.delete(seq)
    else if (item.state === 'requeued') this.#requeue(seq, item)
    else this.#items.set(seq, item)
    if (item?.state === 'dead') this.dead.add(seq)
  }

  distrust(seq: number, sinceMs: number, batchId?: string): void {
    const item = this.at(seq)
    item.uncertain = distrusted(item.uncertain, sinceMs, batchId)
  }

  /** Forgets a record that is kept somewhere else now. */
  leave(seq: number): void {
    this.#requeued.delete(seq)
    this.held.delete(seq)
    this.drop(seq)
  }

  /** Forgets a settled or held record that was pruned; it stays counted. */
  drop(seq: number): void {
    if (this.held.delete(seq)) this.discarded++
    this.#refused.delete(seq)
    this.#items.delete(seq)
  }

  #requeue(seq: number, item: Item): void {
    this.#items.set(seq, item)
    this.#requeued.add(seq)
    this.#requeuedInOrder = false
  }
}
