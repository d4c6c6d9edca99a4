import type { UsageRecord } from '../usage/usage-record.ts'

/** The records of a memory outbox, numbered from 1 in the order in which they came. */
export class MemoryLedger {
  /** The number of the newest record, which is also how many there ever were. */
  last = 0
  pruned = 0
  readonly unattributed = new Set<number>()
  readonly #records = new Map<number, UsageRecord>()
  readonly #numbers = new Map<string, number>()

  add(record: UsageRecord): void {
    if (this.#numbers.has(record.id)) return
    const number = ++this.last
    this.#numbers.set(record.id, number)
    this.#records.set(number, record)
    if (record.customer === null) this.unattributed.add(number)
  }

  numberOf(id: string): number | undefined {
    return this.#numbers.get(id)
  }

  /** @throws when the record was pruned, which none that is still in use ever is. */
  at(number: number): UsageRecord {
    const record = this.#records.get(number)
    if (record === undefined) throw new RangeError(`Record ${number} is not in the outbox any more`)
    return record
  }

  isBillable(number: number): boolean {
    return this.#records.has(number) && !this.unattributed.has(number)
  }

  attribute(number: number, customer: string): void {
    this.#records.set(number, { ...this.at(number), customer })
    this.unattributed.delete(number)
  }

  /** Deletes the records that the condition holds for, and says how many those were. */
  prune(condition: (record: UsageRecord, number: number) => boolean): number {
    const before = this.pruned
    for (const [number, record] of this.#records) {
      if (!condition(record, number)) continue
      this.#records.delete(number)
      this.#numbers.delete(record.id)
      this.pruned++
    }
    return this.pruned - before
  }
}
