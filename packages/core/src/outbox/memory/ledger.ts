import type { UsageRecord } from '../../usage/usage-record.ts'
import { fromBody, toBody } from '../record-body.ts'
import type { TakenId } from '../taken-id.ts'

/** A record as text: it is as large as it looks, and nobody outside can change it. */
interface KeptRecord {
  readonly id: string
  readonly at: number
  readonly body: string
  customer: string | null
  readonly isTest: boolean
}

/** The records of a memory outbox, numbered from 1 in the order in which they came. */
export class Ledger {
  /** The `seq` of the newest record, which is also how many there ever were. */
  last = 0
  pruned = 0
  /** Characters of JSON. */
  size = 0
  readonly unattributed = new Set<number>()
  /** Records that a sink has yet to claim: up to which, and since when, they are uncertain. */
  readonly #distrusted: { readonly upTo: number; readonly sinceMs: number }[] = []
  readonly #records = new Map<number, KeptRecord>()
  readonly #seqs = new Map<string, number>()

  /** How many are still there. */
  get count(): number {
    return this.#records.size
  }

  /**
   * The records of these that it does not have, as they will be kept.
   * @param taken gets the others.
   */
  fresh(records: readonly UsageRecord[], taken: TakenId[] = []): KeptRecord[] {
    const fresh = new Map<string, KeptRecord>()
    for (const record of records) {
      const { id, customer, at, livemode } = record
      const seq = this.#seqs.get(id)
      const earlier = fresh.get(id)
      if (seq !== undefined) taken.push({ record, kept: this.at(seq) })
      else if (earlier !== undefined) taken.push({ record, kept: fromBody(earlier.body, null) })
      else fresh.set(id, { id, customer, at, body: toBody(record), isTest: livemode === false })
    }
    return [...fresh.values()]
  }

  add(record: KeptRecord): void {
    const seq = ++this.last
    this.#seqs.set(record.id, seq)
    this.#records.set(seq, record)
    this.size += record.body.length
    if (record.customer === null) this.unattributed.add(seq)
  }

  /** All that is there now may have been delivered from elsewhere. */
  distrust(sinceMs: number): void {
    this.#distrusted.push({ upTo: this.last, sinceMs })
  }

  uncertainSince(seq: number): number | undefined {
    const since = this.#distrusted.filter(({ upTo }) => seq <= upTo)
    return since.length === 0 ? undefined : Math.min(...since.map(({ sinceMs }) => sinceMs))
  }

  seqOf(id: string): number | undefined {
    return this.#seqs.get(id)
  }

  /** @throws when the record was pruned, which none that is still in use ever is. */
  at(seq: number): UsageRecord {
    const { body, customer } = this.#kept(seq)
    return fromBody(body, customer)
  }

  /** The time and customer of a record that is still there, and whether it is test usage. */
  peek(seq: number): Pick<KeptRecord, 'at' | 'customer' | 'isTest'> {
    return this.#kept(seq)
  }

  isBillable(seq: number): boolean {
    return this.#records.has(seq) && !this.unattributed.has(seq)
  }

  attribute(seq: number, customer: string): void {
    this.#kept(seq).customer = customer
    this.unattributed.delete(seq)
  }

  /** The seqs after a mark that are still there. */
  *after(mark: number): Generator<number> {
    // Not from seq to seq: where one record never leaves, millions after it have left.
    for (const seq of this.#records.keys()) if (seq > mark) yield seq
  }

  /** How many are still there from this one on. */
  countFrom(first: number): number {
    return first <= 1 ? this.#records.size : [...this.after(first - 1)].length
  }

  delete(seq: number): void {
    const { id, body } = this.#kept(seq)
    this.#records.delete(seq)
    this.#seqs.delete(id)
    this.unattributed.delete(seq)
    this.size -= body.length
    this.pruned++
  }

  #kept(seq: number): KeptRecord {
    const record = this.#records.get(seq)
    if (record === undefined) throw new RangeError(`Record ${seq} is not in the outbox any more`)
    return record
  }
}
