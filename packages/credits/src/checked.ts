/**
 * What an application says at the door, looked at before anything is written: a moment that is none would
 * be a grant that never ends, and would keep those beside it from ending.
 */
import { isOneOf, isText, optionCheck } from '@token-meter/core/outbox'
import type { GrantKind } from './books/rows.ts'
import type { GrantOptions, HoldOptions } from './credits.ts'

const isKind = isOneOf(
  ...([undefined, 'paid', 'promo', 'plan', 'adjustment'] satisfies (GrantKind | undefined)[]),
)
const isTextOrLeftOut = (value: unknown) => value === undefined || isText(value)

/** @throws ConfigError */
export function checkGrant(wanted: GrantOptions): void {
  const check = optionCheck('grant()')
  checkKey('grant()', wanted.idempotencyKey)
  check('kind', wanted.kind, "'paid', 'promo', 'plan' or 'adjustment'", isKind)
  check('effectiveAt', wanted.effectiveAt, aMoment, isMomentOrLeftOut)
  check('expiresAt', wanted.expiresAt, aMoment, isMomentOrLeftOut)
  check('priority', wanted.priority, 'a whole number from 0 to 100', isPriority)
  check('source', wanted.source, 'a name', isTextOrLeftOut)
}

/** @throws ConfigError */
export function checkHold({ id, ttlMs }: HoldOptions): void {
  const check = optionCheck('hold()')
  check('id', id, 'a name', isTextOrLeftOut)
  check('ttlMs', ttlMs, 'a number of ms above 0', isTtl)
}

/**
 * @param of what it makes happen once: `revoke()`.
 * @throws ConfigError
 */
export function checkKey(of: string, key: unknown): void {
  optionCheck(of)('idempotencyKey', key, 'a name of what it is for, such as an invoice', isText)
}

const aMoment = 'a Date, or ms since the epoch'

/** The last moment that a `Date` can be. */
const lastMs = 8.64e15

function isMomentOrLeftOut(value: unknown): boolean {
  if (value === undefined) return true
  return (typeof value === 'number' || value instanceof Date) && isWithin(Number(value), 0, lastMs)
}

function isPriority(value: unknown): boolean {
  return value === undefined || (Number.isInteger(value) && isWithin(value as number, 0, 100))
}

function isTtl(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && value > 0 && value <= lastMs / 2)
}

function isWithin(value: number, least: number, most: number): boolean {
  return value >= least && value <= most
}
