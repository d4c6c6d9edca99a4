import {
  isFunction,
  isOneOf,
  messageOf,
  optionCheck,
  type TokenMeterError,
} from '@token-meter/core/outbox'
import { formatAmount, got, type Unit } from './amount.ts'
import type { Change } from './books/journal.ts'

/** What an account is, where something happened to it. Amounts are decimal text of the unit. */
export interface AccountEvent {
  readonly customer: string
  readonly unit: Unit
  readonly available: string
}

/** A pool of which a share was spent. Amounts are decimal text of the unit. */
export interface PoolEvent {
  readonly pool: string
  readonly unit: Unit
  /** Its period, by name: `2026-11`, `2026-11-29`, `W2026-11-23`, `2026-11-29T14+01:00`. */
  readonly period: string
  /** The percent of `soft` that was reached; of a refusal the percent that is spent. */
  readonly percent: number
  /** With what the period before has left, where that is carried over. */
  readonly limit: string
  readonly spent: string
  /** What may still be held. Below 0 where more was used than was held, or the pool does not stop. */
  readonly available: string
  /** What was asked for, where a call or a hold was refused for want of it. */
  readonly required?: string
}

/** What listeners of credits are told, in the process in which it happened, after it was written. */
export interface CreditEvents {
  /** What is left has fallen below a share of the last grant. */
  low: AccountEvent & { readonly percent: number }
  /**
   * Nothing is left; or less than a call or a hold asked for, which was refused: `required`. Refusals tell it
   * once, until credit is granted or more is left than they told. Not of who has no account or is blocked.
   */
  exhausted: AccountEvent & { readonly required?: string }
  /** More was used than there was. */
  debt: AccountEvent & { readonly debt: string }
  granted: AccountEvent & { readonly amount: string }
  expired: AccountEvent & { readonly amount: string }
  /**
   * A share of a pool's limit was spent, of those that its `soft` names; or a call or a hold asked for more
   * than it has left, and was refused: `required`, once a period until more is left than was told.
   */
  pool: PoolEvent
  /**
   * Something went wrong that no call noticed: a call was let go without a hold, a hold could not be
   * given back. Where nobody listens it is printed with `console.warn`, each message once a minute.
   */
  error: TokenMeterError
}

const known: Readonly<Record<keyof CreditEvents, true>> = {
  low: true,
  exhausted: true,
  debt: true,
  granted: true,
  expired: true,
  pool: true,
  error: true,
}
const names = Object.keys(known)
const check = optionCheck('on()', got)

/** How long a warning is not repeated, in ms. */
const warnEveryMs = 60_000
const mostWarned = 100
/** Of so many accounts and pools it is known that a refusal was told. */
const mostRefused = 10_000

type Listener<Name extends keyof CreditEvents> = (event: CreditEvents[Name]) => void

/** Tells listeners what came of changes. A listener that throws hurts nobody. */
export class CreditEmitter {
  readonly #listeners = new Map<keyof CreditEvents, Set<Listener<never>>>()
  readonly #lowAt: readonly number[]
  readonly #warnedAt = new Map<string, number>()
  /** What refusals have told of, by account or period of a pool: the most that was left by then. */
  readonly #refused = new Map<string, { readonly grant: number; readonly available: bigint }>()

  /** @param lowAt percents of the last grant. */
  constructor(lowAt: readonly number[]) {
    this.#lowAt = lowAt.toSorted((a, b) => a - b)
  }

  /** @throws ConfigError for an event that there is not, and a listener that is no function. */
  readonly on = <Name extends keyof CreditEvents>(
    name: Name,
    listener: Listener<Name>,
  ): (() => void) => {
    check('the event', name, `one of ${names.join(', ')}`, isOneOf(...names))
    check('the listener', listener, 'a function', isFunction)
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(name)
    }
  }

  /** Whether anybody listens. */
  readonly isHeard = (): boolean => this.#listeners.size > 0

  tell(changes: readonly Change[]): void {
    for (const change of changes) this.#tellOf(change)
  }

  #tellOf({ account, available, left, lastGrant, before, entries }: Change): void {
    const { customer, unit } = account
    const text = (amount: bigint) => formatAmount(amount, unit)
    const wasLeft = before.left
    const event = { customer, unit, available: text(available) }
    for (const { kind, amount } of entries) {
      if (kind === 'grant') {
        this.emit('granted', { ...event, amount: text(amount) })
      } else if (kind === 'expiry' && amount < 0n) {
        this.emit('expired', { ...event, amount: text(-amount) })
      }
    }
    if (account.debt > before.debt) this.emit('debt', { ...event, debt: text(account.debt) })
    // By what was spent: with each hold and its end, what may be held goes down and up again.
    if (left <= 0n && wasLeft > 0n) this.emit('exhausted', event)
    else {
      const share = (percent: number) => (lastGrant * BigInt(Math.round(percent * 100))) / 10_000n
      const percent = this.#lowAt.find((one) => left < share(one) && wasLeft >= share(one))
      if (percent !== undefined) this.emit('low', { ...event, percent })
    }
  }

  /**
   * A refusal for want of credit.
   * @param what whose: an account, or a period of a pool.
   * @param grant the newest grant of the account: a later one is new credit, in whichever process it was given.
   * @returns false where one was told already.
   */
  isNewRefusal(
    name: 'exhausted' | 'pool',
    what: string,
    { grant, available }: { readonly grant: number; readonly available: bigint },
  ): boolean {
    if ((this.#listeners.get(name)?.size ?? 0) === 0) return false
    const told = this.#refused.get(what)
    if (told !== undefined && grant <= told.grant && available <= told.available) return false
    const [oldest] = this.#refused.keys()
    if (this.#refused.size >= mostRefused && oldest !== undefined) this.#refused.delete(oldest)
    this.#refused.delete(what)
    this.#refused.set(what, { grant, available })
    return true
  }

  /** Tells a fault. */
  fault(error: TokenMeterError): void {
    if ((this.#listeners.get('error')?.size ?? 0) > 0) return this.emit('error', error)
    const now = performance.now()
    if (now - (this.#warnedAt.get(error.message) ?? -Infinity) < warnEveryMs) return
    if (this.#warnedAt.size >= mostWarned) this.#warnedAt.clear()
    this.#warnedAt.set(error.message, now)
    const why = error.cause === undefined ? '' : ` (${messageOf(error.cause)})`
    console.warn(`[token-meter] ${error.code}: ${error.message}${why}`)
  }

  emit<Name extends keyof CreditEvents>(name: Name, event: CreditEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        ;(listener as Listener<Name>)(event)
      } catch {
        // It was written all the same.
      }
    }
  }
}
