import type { KnownEvents } from '../corrected-events.ts'
import { type Refusal, refusalOf } from '../../errors/refusal.ts'
import { freshItem, type MemoryItem } from './memory-item.ts'

/**
 * The records that the cursor of one sink has passed, by their numbers: what has an item is not
 * delivered. Discarded ones keep theirs until they are pruned.
 */
export class MemoryItems {
  delivered = 0
  discarded = 0
  readonly held = new Set<number>()
  /** In the order in which they failed. */
  readonly dead = new Set<number>()
  #requeued = new Set<number>()
  #requeuedInOrder = true
  readonly #items = new Map<number, MemoryItem>()
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

  get(number: number): MemoryItem | undefined {
    return this.#items.get(number)
  }

  /** @throws when the record is delivered, or not yet reached. */
  at(number: number): MemoryItem {
    const item = this.#items.get(number)
    if (item === undefined) throw new RangeError(`Record ${number} is not on its way to the sink`)
    return item
  }

  knownEvents(number: number): KnownEvents {
    const { deliveredEventIds = [] } = this.get(number) ?? {}
    return { deliveredEventIds, refusedEventIds: this.#refused.get(number) ?? [] }
  }

  learnEvents(number: number, { deliveredEventIds, refusedEventIds }: KnownEvents): void {
    const item = this.get(number)
    if (item !== undefined) item.deliveredEventIds = deliveredEventIds
    if (refusedEventIds.length > 0) this.#refused.set(number, refusedEventIds)
  }

  /**
   * Into a batch.
   * @param uncertainSince of a record that is in none yet.
   */
  hold(number: number, uncertainSince: number | undefined): void {
    this.#requeued.delete(number)
    const item = this.get(number) ?? freshItem('batched', uncertainSince)
    this.#items.set(number, { ...item, state: 'batched' })
  }

  /** Starts over, but for what the sink already has of it. */
  wait(number: number, uncertainSince?: number): void {
    const { deliveredEventIds = [], isReleased = false } = this.get(number) ?? {}
    this.dead.delete(number)
    const waiting = { ...freshItem('requeued', uncertainSince), deliveredEventIds, isReleased }
    this.#requeue(number, waiting)
  }

  /** Not given out; what an attempt at another backend left says nothing. */
  withhold(number: number): void {
    this.#requeued.delete(number)
    this.#items.set(number, freshItem('held'))
    this.held.add(number)
  }

  /**
   * @param uncertainSince what is not known of a record that waits.
   * @param isReleased never to be held again, whatever it is.
   */
  unhold(number: number, uncertainSince: number | undefined, isReleased = false): void {
    this.held.delete(number)
    this.#requeue(number, { ...freshItem('requeued', uncertainSince), isReleased })
  }

  /** In place of what is held, what it was with a sink whose place this one takes. */
  takeOver(number: number, item: MemoryItem | undefined): void {
    if (item?.state !== 'held') this.held.delete(number)
    if (item === undefined) this.#items.delete(number)
    else if (item.state === 'requeued') this.#requeue(number, item)
    else this.#items.set(number, item)
    if (item?.state === 'dead') this.dead.add(number)
  }

  #requeue(number: number, item: MemoryItem): void {
    this.#items.set(number, item)
    this.#requeued.add(number)
    this.#requeuedInOrder = false
  }

  /** All of it is uncertain since this time, where it was not since before. */
  distrust(number: number, sinceMs: number, batchId?: string): void {
    const item = this.at(number)
    const { uncertainSince, uncertainIn } = item.uncertain
    item.uncertain = {
      uncertainSince: Math.min(uncertainSince ?? sinceMs, sinceMs),
      uncertainIn: uncertainSince === undefined ? batchId : uncertainIn,
    }
  }

  deliver(number: number): void {
    this.dead.delete(number)
    this.#items.delete(number)
    this.delivered++
  }

  bury(number: number, reason: string, refusal: Refusal, nowMs: number): void {
    const item = this.get(number) ?? { ...freshItem('dead'), attempts: 1 }
    const why = { reason, refusal: refusalOf(refusal) }
    this.#items.set(number, { ...item, ...why, state: 'dead', failedAt: nowMs })
    this.dead.add(number)
  }

  /** @param why where it is not what it was dead for. */
  discard(number: number, why?: Pick<MemoryItem, 'reason' | 'refusal'>): void {
    const item = this.get(number) ?? { ...freshItem('discarded'), attempts: 1 }
    this.#items.set(number, { ...item, ...why, state: 'discarded' })
    this.dead.delete(number)
    this.held.delete(number)
    this.discarded++
  }

  /** Forgets a record that is kept somewhere else now. */
  leave(number: number): void {
    this.#requeued.delete(number)
    this.held.delete(number)
    this.drop(number)
  }

  /** Forgets a settled or held record that was pruned; it stays counted. */
  drop(number: number): void {
    if (this.held.delete(number)) this.discarded++
    this.#refused.delete(number)
    this.#items.delete(number)
  }
}
