import type { Outbox } from '../outbox/outbox.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import { settledWithin, valueBefore } from '../lib/timing.ts'
import type { Delivery } from './delivery.ts'

/** How often the outbox is asked, in ms, should other workers deliver what is waited for. */
const pollMs = 500

/** One wait: for pairs of a sink and a record. */
interface Wait {
  readonly left: Set<string>
  /** Nothing is left. */
  over(): void
}

/**
 * Waits for records of this process to be delivered, or refused for good. Unlike a flush it expedites
 * nothing that a failing backend has put off, and waits for nobody else's records.
 */
export class DeliveryWaiter {
  readonly #outbox: Outbox
  readonly #deliveries: readonly Delivery[]
  readonly #waits = new Map<string, Set<Wait>>()

  constructor(outbox: Outbox, deliveries: readonly Delivery[]) {
    this.#outbox = outbox
    this.#deliveries = deliveries
  }

  /** False when records die with the process. */
  get isLasting(): boolean {
    return this.#outbox.durable
  }

  /** A sink has settled a record. */
  settled(sink: string, id: string): void {
    if (this.#waits.size === 0) return
    const key = keyOf(sink, id)
    for (const wait of this.#waits.get(key) ?? []) {
      wait.left.delete(key)
      if (wait.left.size === 0) wait.over()
    }
    this.#waits.delete(key)
  }

  /**
   * Never rejects.
   * @param stored ends when the records are in the outbox, or are known not to be.
   * @returns false when `timeoutMs` was not enough.
   */
  async wait(
    records: readonly UsageRecord[],
    stored: Promise<unknown> | undefined,
    timeoutMs: number,
  ): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    // Usage that nobody pays for waits for a customer, not for a sink.
    const ids = records.filter(({ customer }) => customer !== null).map(({ id }) => id)
    const sinks = this.#deliveries.map(({ sink }) => sink.name)
    const left = new Set(sinks.flatMap((sink) => ids.map((id) => keyOf(sink, id))))
    if (left.size === 0) return true
    let over = () => {}
    const whenOver = new Promise<void>((resolve) => (over = resolve))
    const wait: Wait = { left, over }
    this.#add(wait)
    try {
      const isStored = stored === undefined || (await endsWell(stored, deadline))
      if (!isStored) return left.size === 0
      await this.#sendWhatLingers(deadline)
      const mark = await valueBefore(deadline, () => this.#outbox.position())
      while (left.size > 0) {
        if (mark !== undefined && (await this.#haveAll(mark.value, deadline))) return true
        const leftMs = deadline - performance.now()
        if (leftMs <= 0) return false
        await settledWithin(Math.min(pollMs, leftMs), whenOver)
      }
      return true
    } catch {
      // The delivery reports an outbox that cannot be read.
      await settledWithin(deadline - performance.now(), whenOver)
      return left.size === 0
    } finally {
      this.#remove(wait)
    }
  }

  /**
   * Resolves when nothing is being sent, or after `timeoutMs`: a batch can have records of others,
   * which nobody else sends while it is under way.
   */
  async drain(timeoutMs: number): Promise<void> {
    await Promise.all(this.#deliveries.map((delivery) => delivery.drain(timeoutMs)))
  }

  /** A sink may want records to wait for company, for longer than anyone can wait here. */
  async #sendWhatLingers(deadline: number): Promise<void> {
    const lingering = this.#deliveries.filter(
      ({ sink, lastReason }) => (sink.lingerMs ?? 0) > 0 && lastReason === undefined,
    )
    await Promise.all(lingering.map((delivery) => valueBefore(deadline, () => delivery.expedite())))
  }

  async #haveAll(position: number, deadline: number): Promise<boolean> {
    const settled = await Promise.all(
      this.#deliveries.map(({ sink }) =>
        valueBefore(deadline, () => this.#outbox.isSettled(sink.name, position)),
      ),
    )
    return settled.every((isSettled) => isSettled?.value === true)
  }

  #add(wait: Wait): void {
    for (const key of wait.left) {
      const waits = this.#waits.get(key) ?? new Set()
      this.#waits.set(key, waits.add(wait))
    }
  }

  #remove(wait: Wait): void {
    for (const key of wait.left) {
      const waits = this.#waits.get(key)
      waits?.delete(wait)
      if (waits?.size === 0) this.#waits.delete(key)
    }
  }
}

/** False when it failed, or took too long. */
async function endsWell(work: Promise<unknown>, deadline: number): Promise<boolean> {
  const ended = await valueBefore(deadline, () => work).catch(() => undefined)
  return ended !== undefined
}

function keyOf(sink: string, id: string): string {
  return `${sink}\n${id}`
}
