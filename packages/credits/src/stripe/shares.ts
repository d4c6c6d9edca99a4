import { revoke, unrevoke } from '../books/grants.ts'
import type { ObjectRow } from '../books/objects.ts'
import type { Act } from '../books/operations.ts'
import type { AccountRow, BookRows } from '../books/rows.ts'
import type { Payment, TakenBack } from './payment.ts'

export interface PaymentRow extends ObjectRow {
  /** What refunds, disputes and credit notes have of it by now, in parts, by their ids. */
  state: Readonly<Record<string, string>>
}

/**
 * What of a payment's grants each refund, dispute and credit note has. Together they have the payment's
 * share of what stands at Stripe, and never more than all of it: where one comes to nothing, what the
 * others could not have beside it is theirs.
 */
export class Shares {
  readonly #rows: BookRows
  readonly #account: AccountRow
  readonly #payment: Payment
  readonly #act: Act
  readonly #grants: readonly number[]
  readonly #sold: bigint
  readonly #taken: Map<string, bigint>

  constructor(
    rows: BookRows,
    account: AccountRow,
    payment: Payment,
    state: PaymentRow['state'],
    act: Act,
  ) {
    this.#rows = rows
    this.#account = account
    this.#payment = payment
    this.#act = act
    const grants = rows.grantsOfSource(account.id, payment.key)
    this.#grants = grants.map(({ id }) => id)
    this.#sold = grants.reduce((sum, { amount }) => sum + amount, 0n)
    this.#taken = new Map(Object.entries(state).map(([id, parts]) => [id, BigInt(parts)]))
  }

  get state(): PaymentRow['state'] {
    return Object.fromEntries([...this.#taken].map(([id, parts]) => [id, String(parts)]))
  }

  /** Gives back what those have that do not stand, or whose share is less than it was. */
  giveBack(): bigint {
    let restored = 0n
    for (const [id, taken] of this.#taken) {
      const one = this.#payment.takenBack.find((known) => known.id === id)
      if (one?.stands === true && this.#shareOf(one.amount) >= taken) continue
      for (const grant of this.#grants) {
        const before = this.#rows.grant(grant).revoked
        for (const key of this.#keys(id, grant)) {
          unrevoke(this.#rows, this.#account, { grant, key, ref: id }, this.#act)
        }
        restored += before - this.#rows.grant(grant).revoked
      }
      this.#taken.set(id, 0n)
    }
    return restored
  }

  /** Takes what they are to have and do not. */
  take(): bigint {
    const standing = this.#payment.takenBack.filter(({ stands }) => stands)
    const all = standing.reduce((sum, { amount }) => sum + amount, 0)
    let missing = this.#shareOf(all)
    for (const { id } of standing) missing -= this.#taken.get(id) ?? 0n
    let revoked = 0n
    for (const one of standing) {
      const own = this.#taken.get(one.id) ?? 0n
      const wanted = smallest(missing, this.#shareOf(one.amount) - own)
      if (wanted <= 0n) continue
      revoked += this.#revoke(one, wanted)
      // Also what somebody had revoked by hand: it is not to be taken a second time.
      this.#taken.set(one.id, own + wanted)
      missing -= wanted
    }
    return revoked
  }

  #revoke({ id }: TakenBack, wanted: bigint): bigint {
    let taken = 0n
    for (const grant of this.#grants) {
      const amount = wanted - taken
      if (amount <= 0n) break
      const key = keyOf(id, grant, this.#keys(id, grant).length)
      taken += revoke(this.#rows, this.#account, { grant, amount, key, ref: id }, this.#act) ?? 0n
    }
    return taken
  }

  /** Of what it has taken of a grant, each time: what was given back may be taken again. */
  #keys(id: string, grant: number): readonly string[] {
    const keys: string[] = []
    for (;;) {
      const key = keyOf(id, grant, keys.length)
      if (!this.#rows.hasEntry(this.#account.id, `revoke:${key}`)) return keys
      keys.push(key)
    }
  }

  /** Rounded up: shares that are all of it leave nothing. */
  #shareOf(amount: number): bigint {
    const { total } = this.#payment
    if (total <= 0) return 0n
    const share = (this.#sold * BigInt(amount) + BigInt(total) - 1n) / BigInt(total)
    return smallest(share, this.#sold)
  }
}

const keyOf = (id: string, grant: number, times: number) =>
  times === 0 ? `${id}:${grant}` : `${id}:${grant}:again${times}`

function smallest(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}
