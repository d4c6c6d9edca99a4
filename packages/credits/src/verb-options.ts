/** What the verbs take: every option by its name and its value, checked before anything is asked or written. */
import {
  ConfigError,
  checkKeys,
  isAboveZero,
  isCount,
  isDuration,
  isOneOf,
  optionCheck,
} from '@token-meter/core/outbox'
import { type Amount, got, isDate, isUnit, type Unit } from './amount.ts'
import type { AccountOptions } from './collect/verbs.ts'
import type { ReconcileQuery } from './collect/report.ts'
import type {
  AdjustOptions,
  GrantOptions,
  HistoryQuery,
  HoldOptions,
  RevokeOptions,
  UnrevokeOptions,
} from './credits.ts'
import type { SubscribeOptions, UnsubscribeOptions } from './plans/verbs.ts'
import { checkCustomer } from './shown.ts'

interface Rule {
  readonly wanted: string
  readonly isRight: (value: unknown) => boolean
  readonly isNeeded?: true
}

type Rules<Options> = Readonly<Record<keyof Options, Rule>>

/** Where an option is of one customer's account. */
interface OfUnit {
  readonly unit?: Unit
}

const isName = (value: unknown) => typeof value === 'string' && value.trim() !== ''

/** The latest moment that a `Date` can be, in ms since the epoch. */
const latest = 8.64e15

function isTime(value: unknown): boolean {
  const ms = isDate(value) ? Number(value) : value
  return typeof ms === 'number' && ms >= 0 && ms <= latest
}

function isTtl(value: unknown): boolean {
  return isAboveZero(value) && (value as number) <= latest / 2
}

function isPriority(value: unknown): boolean {
  return value === 0 || (isCount(value) && (value as number) <= 100)
}

const name: Rule = { wanted: 'text that is not empty', isRight: isName }
const key: Rule = {
  wanted: 'text that is not empty, such as the id of a payment: the same one is done once',
  isRight: isName,
  isNeeded: true,
}
const time: Rule = { wanted: 'ms since the epoch, or a valid Date', isRight: isTime }
const ms: Rule = {
  wanted: 'ms since the epoch',
  isRight: (value) => !isDate(value) && isTime(value),
}
const unit: Rule = { wanted: '"usd" or "tokens"', isRight: isUnit }
const count: Rule = { wanted: 'a whole number above 0', isRight: isCount }
const isSwitch: Rule = { wanted: 'true or false', isRight: isOneOf(true, false) }
/** Read by `amountOf`, which says what is wrong. */
const amount: Rule = { wanted: 'an amount', isRight: () => true }

function choice(...values: readonly string[]): Rule {
  const quoted = values.map((value) => JSON.stringify(value))
  return { wanted: quoted.join(' or '), isRight: isOneOf(...values) }
}

function needed(rule: Rule): Rule {
  return { ...rule, isNeeded: true }
}

const amounts = { usd: amount, tokens: amount }

const verbs = {
  grant: {
    ...amounts,
    idempotencyKey: key,
    kind: choice('paid', 'promo', 'plan', 'adjustment'),
    effectiveAt: time,
    expiresAt: time,
    priority: { wanted: 'a whole number from 0 to 100', isRight: isPriority },
    source: name,
    actor: name,
  } satisfies Rules<GrantOptions>,
  balance: { unit } satisfies Rules<OfUnit>,
  check: amounts satisfies Rules<Amount>,
  hold: {
    ...amounts,
    id: name,
    ttlMs: { wanted: 'a number of ms above 0', isRight: isTtl },
    pools: {
      wanted: 'a list of ids of pools',
      isRight: (value) => Array.isArray(value) && value.every(isName),
    },
    actor: name,
  } satisfies Rules<HoldOptions>,
  adjust: {
    ...amounts,
    idempotencyKey: key,
    reason: name,
    actor: name,
  } satisfies Rules<AdjustOptions>,
  revoke: {
    source: needed(name),
    amount,
    unit,
    idempotencyKey: key,
    actor: name,
  } satisfies Rules<RevokeOptions>,
  unrevoke: {
    source: needed(name),
    unit,
    idempotencyKey: key,
    actor: name,
  } satisfies Rules<UnrevokeOptions>,
  history: { unit, limit: count, after: count } satisfies Rules<HistoryQuery>,
  account: { unit, collect: choice('prepaid', 'mirror') } satisfies Rules<AccountOptions>,
  block: { unit } satisfies Rules<OfUnit>,
  reconcile: { fromMs: ms, untilMs: ms, accept: isSwitch } satisfies Rules<ReconcileQuery>,
  flush: {
    timeoutMs: { wanted: 'a number of ms from 0 up', isRight: isDuration },
  } satisfies Rules<{ readonly timeoutMs?: number }>,
  subscribe: {
    plan: needed(name),
    quantity: count,
    id: name,
    anchor: time,
    actor: name,
  } satisfies Rules<SubscribeOptions>,
  unsubscribe: {
    id: name,
    at: choice('period end', 'now'),
    actor: name,
  } satisfies Rules<UnsubscribeOptions>,
} satisfies Readonly<Record<string, Readonly<Record<string, Rule>>>>

export type Verb = keyof typeof verbs

/**
 * Checks what a verb was given but for its amounts, which `amountOf` reads.
 * @throws ConfigError for a wrong option.
 */
export function checkOptions(verb: Verb, given: unknown): void {
  const owner = `${verb}()`
  const rules: Readonly<Record<string, Rule>> = verbs[verb]
  checkKeys<Record<string, unknown>>(owner, withoutAmounts(given), rules as Record<string, never>)
  const check = optionCheck(owner, got)
  const options = given as Readonly<Record<string, unknown>>
  for (const [option, { wanted, isRight, isNeeded }] of Object.entries(rules)) {
    const value = options[option]
    if (value !== undefined || isNeeded === true) check(option, value, wanted, isRight)
  }
}

/**
 * The same for one whose first argument is a customer.
 * @throws TypeError for what is no customer; ConfigError for a wrong option.
 */
export function checkVerb(
  verb: Verb,
  customer: unknown,
  given: unknown,
): asserts customer is string {
  checkCustomer(`${verb}()`, customer)
  checkOptions(verb, given)
}

/** An amount that is `null` has no default to be left out for. */
function withoutAmounts(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
  return Object.fromEntries(
    Object.entries(given).filter(
      ([option, value]) => value !== null || !Object.hasOwn(amounts, option),
    ),
  )
}

/**
 * A time as ms since the epoch.
 * @throws ConfigError for one that is long gone as ms and not as seconds.
 */
export function timeOf(owner: string, option: string, value: number | Date, now: number): number {
  const at = Math.ceil(Number(value))
  // As seconds, a time of today is a thousandth of what it is as ms.
  if (at <= 0 || at >= now / 100) return at
  throw new ConfigError(
    `${owner}: ${option} is ${new Date(at).toISOString()}: times are ms since the epoch, and seconds were perhaps given`,
  )
}

/** @throws ConfigError: a grant of such times would never count. */
export function refuseOver(effectiveAt: number, expiresAt: number, now: number): never {
  const shown = (at: number) => new Date(at).toISOString()
  const why = effectiveAt > now ? `effectiveAt, ${shown(effectiveAt)}` : `now, ${shown(now)}`
  throw new ConfigError(
    `grant(): expiresAt is ${shown(expiresAt)}, which is not after ${why}: nothing was given. ` +
      'Times are ms since the epoch; seconds were perhaps given',
  )
}
