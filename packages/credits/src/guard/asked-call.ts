/** What is asked of the books for a call, and what its caller is told where they refuse. */
import type { GuardedCall } from '@token-meter/core'
import type { CostCalculator } from '@token-meter/core/cost'
import { mintRecordId, type Outbox } from '@token-meter/core/outbox'
import { formatAmount, type Unit } from '../amount.ts'
import type { Books } from '../books/books.ts'
import type { Refused } from '../books/held.ts'
import { place, refusalOf } from '../books/holds.ts'
import { findAccount } from '../books/operations.ts'
import type { PoolLimit } from '../books/pools.ts'
import type { AccountRow, BookRows } from '../books/rows.ts'
import { CallRefusedError, InsufficientCreditsError } from '../errors.ts'
import type { CreditEmitter } from '../events.ts'
import type { Pool, Pools } from '../pools.ts'
import { refusal } from '../refusal.ts'
import { affordableOutput, type CallPrice, callPrice, withoutCost } from './call-price.ts'
import { type CallSize, callSize } from './call-size.ts'
import type { GuardSettings } from './options.ts'

/** What is held of one account. */
export interface HeldPart {
  readonly id: string
  readonly unit: Unit
  /** The pools that it counts in. */
  readonly limits: readonly PoolLimit[]
}

/** What a guard works with. */
export interface GuardContext {
  /** The one that the books are beside. */
  readonly outbox: Outbox
  readonly books: Books
  readonly pools: Pools
  readonly events: CreditEmitter
  readonly cost: CostCalculator | undefined
  readonly now: () => number
}

/** What came of asking the books. */
export type Outcome =
  | { readonly state: 'held'; readonly parts: readonly HeldPart[] }
  | { readonly state: 'no-account' }
  | { readonly state: 'lost' }
  | {
      readonly state: 'refused'
      readonly account: AccountRow
      readonly refused: Refused
      readonly amount: bigint
    }
  | { readonly state: 'unpriced'; readonly reason: string }
  | { readonly state: 'no-unit'; readonly pool: Pool }

const units: readonly Unit[] = ['usd', 'tokens']

/** A call that asks to be sent. What is computed of it is computed once, as far as it is needed. */
export class AskedCall {
  readonly customer: string
  readonly size: CallSize
  readonly call: GuardedCall
  readonly #context: GuardContext
  readonly #settings: GuardSettings
  readonly #pools: readonly Pool[]
  readonly #at: number
  readonly #ids: Readonly<Record<Unit, string>>
  #price: ReturnType<typeof callPrice> | undefined

  /** @throws CallRefusedError */
  constructor(
    call: GuardedCall,
    customer: string,
    pools: readonly Pool[],
    context: GuardContext,
    settings: GuardSettings,
  ) {
    this.customer = customer
    this.call = call
    this.#context = context
    this.#settings = settings
    this.#pools = pools
    this.#at = context.now()
    this.#ids = { usd: mintRecordId(this.#at), tokens: mintRecordId(this.#at) }
    this.size = callSize(call, settings)
  }

  get price(): ReturnType<typeof callPrice> {
    this.#price ??= callPrice(this.call, this.size, this.#at, {
      calculate: this.#context.cost,
      isBound: this.#settings.estimate === 'bound',
    })
    return this.#price
  }

  hint() {
    const pools = this.#pools.map((pool) => {
      const { pool: name, period } = this.#context.pools.limitAt(pool, this.#at)
      return [name, period] as const
    })
    return { customers: [this.customer], newHolds: Object.values(this.#ids), pools }
  }

  /** What so much output of all answers comes to in a unit; `undefined` without a price. */
  amountOf(unit: Unit, output: number): bigint | undefined {
    if (unit === 'tokens') return BigInt(this.size.input + output)
    return 'unpriced' in this.price ? this.#settings.unknownPrice : this.price.costOf(output)
  }

  /** Inside a transaction: all of it or nothing. */
  hold(rows: BookRows): Outcome {
    const act = { actor: 'guard', at: this.#at }
    const keys = units.map((unit) => ({ customer: this.customer, unit, stripeAccount: '' }))
    const isLost = this.#context.books.isLost?.() === true
    if (isLost && !keys.some((key) => rows.account(key) !== undefined)) return { state: 'lost' }
    const accounts = keys.flatMap((key) => findAccount(rows, key, act) ?? [])
    if (accounts.length === 0) return { state: 'no-account' }
    const pool = this.#pools.find((one) => !accounts.some(({ unit }) => unit === one.unit))
    if (pool !== undefined) return { state: 'no-unit', pool }
    const wanted: { account: AccountRow; amount: bigint; limits: readonly PoolLimit[] }[] = []
    for (const account of accounts) {
      const amount = this.#most(account.unit)
      if (typeof amount !== 'bigint') return amount
      const limits = this.#limitsOf(account.unit)
      const refused = refusalOf(rows, account, amount, limits, act)
      if (refused !== undefined) return { state: 'refused', account, refused, amount }
      wanted.push({ account, amount, limits })
    }
    const leaseUntil = this.#at + this.#settings.leaseMs
    const parts = wanted.map(({ account, amount, limits }) => {
      const id = this.#ids[account.unit]
      const input = this.#inputOf(account.unit)
      const floor = input < amount ? input : amount
      place(rows, account, { id, amount, floor, leaseUntil }, limits, act)
      return { id, unit: account.unit, limits }
    })
    return { state: 'held', parts }
  }

  #limitsOf(unit: Unit): readonly PoolLimit[] {
    return this.#pools
      .filter((pool) => pool.unit === unit)
      .map((pool) => this.#context.pools.limitAt(pool, this.#at))
  }

  #most(unit: Unit): bigint | Outcome {
    const { size, price } = unit === 'usd' ? this : { size: this.size, price: undefined }
    if (price === undefined) return BigInt(size.input + size.output * size.answers)
    if (!('unpriced' in price)) return price.most
    return this.#settings.unknownPrice ?? { state: 'unpriced', reason: price.unpriced }
  }

  /** What a call is charged of which nobody hears again. Of an unknown price that is not known either. */
  #inputOf(unit: Unit): bigint {
    if (unit === 'tokens') return BigInt(this.size.likelyInput)
    return 'unpriced' in this.price ? 0n : this.price.input
  }

  /** What the caller is told. */
  refusal(outcome: Exclude<Outcome, { readonly state: 'held' | 'lost' }>): Error {
    const { customer } = this
    switch (outcome.state) {
      case 'refused':
        return this.shortage(outcome.account.unit, outcome.refused, outcome.amount)
      case 'unpriced': {
        const { model, call } = this.call
        const remedy =
          outcome.reason === withoutCost
            ? "Pass it the meter's own: createCredits({ outbox, cost })"
            : 'Add it to cost({ prices })'
        return new CallRefusedError(
          `there is no price of ${call.provider} "${model ?? 'unknown'}" to hold for this call: ${outcome.reason}. ${remedy}, or make the guard with unknownPrice: { usd: '0.05' }`,
          { reason: 'unknown_price', customer },
        )
      }
      case 'no-unit': {
        const { id, unit } = outcome.pool
        return new CallRefusedError(
          `the pool "${id}" counts in ${unit}, in which ${customer} has no account: count it in the unit of its customers' accounts`,
          { reason: 'pool_unit', customer },
        )
      }
      case 'no-account': {
        const isPriced = !('unpriced' in this.price)
        const unit = isPriced ? 'usd' : 'tokens'
        const required = formatAmount(this.#most(unit) as bigint, unit)
        const affordable = this.size.output > 0 ? { affordableOutputTokens: 0 } : {}
        const shortage = { customer, unit, available: '0', required, isUnknown: true } as const
        return new InsufficientCreditsError({ ...shortage, ...affordable })
      }
    }
  }

  /** What the caller is told; listeners are too. @param amount what was to be held. */
  shortage(unit: Unit, refused: Refused, amount: bigint): InsufficientCreditsError {
    const { available, why } = refused
    const affordableOutputTokens = why === undefined ? this.#affordable(unit, available) : undefined
    const asked = { customer: this.customer, unit, amount, affordableOutputTokens }
    return refusal(this.#context, asked, refused)
  }

  #affordable(unit: Unit, available: bigint): number | undefined {
    const { size } = this
    const most = size.output * size.answers
    if (most === 0) return undefined
    if (unit === 'usd' && 'unpriced' in this.price) return undefined
    const price =
      unit === 'usd'
        ? (this.price as CallPrice)
        : { costOf: (output: number) => BigInt(size.input + output) }
    return Math.floor(affordableOutput(price, available, most) / size.answers)
  }
}
