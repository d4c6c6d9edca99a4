/** Checks what a key may, whoever says it: an application, the admin API, a command. */
import {
  checkKeys,
  ConfigError,
  isCount,
  isOneOf,
  isText,
  optionCheck,
} from '@token-meter/core/outbox'
import { maxCustomerLength } from '../payer/header-values.ts'
import type { KeyOptions } from './key.ts'

const known: Readonly<Record<keyof KeyOptions, true>> = {
  alias: true,
  userId: true,
  teamId: true,
  customer: true,
  customers: true,
  models: true,
  expiresAt: true,
  pools: true,
  requestsPerMinute: true,
  tokensPerMinute: true,
  parallelRequests: true,
  metadata: true,
  allowUnknown: true,
  stripeHeaders: true,
}

const maxListLength = 1000
const maxMetadata = 50
const maxMetadataText = 512

const isName = (value: unknown): boolean =>
  isText(value) &&
  (value as string).length <= maxCustomerLength &&
  (value as string).trim() === value &&
  !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(value)
const isNames = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= maxListLength && value.every(isName)
const isCustomers = (value: unknown): boolean => value === 'any' || isNames(value)
const isBoolean = isOneOf(true, false)
const isTime = (value: unknown): boolean => Number.isFinite(value) && (value as number) > 0

function isMetadata(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const entries = Object.entries(value as Readonly<Record<string, unknown>>)
  return (
    entries.length <= maxMetadata &&
    entries.every(
      ([name, each]) =>
        isName(name) &&
        (typeof each === 'boolean' ||
          Number.isFinite(each) ||
          (typeof each === 'string' && each.length <= maxMetadataText)),
    )
  )
}

const name = `a name of at most ${maxCustomerLength} characters`
const count = 'a whole number from 1 up'
const checks: Readonly<
  Record<keyof KeyOptions, readonly [wanted: string, isRight: (value: unknown) => boolean]>
> = {
  alias: [name, isName],
  userId: [name, isName],
  teamId: [name, isName],
  customer: [name, isName],
  customers: [`"any" or a list of at most ${maxListLength} customers`, isCustomers],
  models: [`a list of at most ${maxListLength} models`, isNames],
  expiresAt: ['a time in ms since the epoch', isTime],
  pools: [`a list of at most ${maxListLength} pools`, isNames],
  requestsPerMinute: [count, isCount],
  tokensPerMinute: [count, isCount],
  parallelRequests: [count, isCount],
  metadata: [
    `an object of at most ${maxMetadata} texts (each at most ${maxMetadataText} characters), numbers or booleans`,
    isMetadata,
  ],
  allowUnknown: ['true or false', isBoolean],
  stripeHeaders: ['true or false', isBoolean],
}

/**
 * The options of a key without those that are left out or say nothing.
 * @param nameOf what an option is called by whoever gave it.
 * @throws ConfigError for a wrong one.
 */
export function checkedKeyOptions(
  options: KeyOptions,
  nameOf: (name: keyof KeyOptions) => string = (name) => name,
): KeyOptions {
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  )
  checkKeys<KeyOptions>('key', given, known)
  const check = optionCheck('key')
  for (const [option, value] of Object.entries(given) as [keyof KeyOptions, unknown][]) {
    const [wanted, isRight] = checks[option]
    check(nameOf(option), value, wanted, isRight)
  }
  if (given.customer !== undefined && given.customers !== undefined) {
    throw new ConfigError(
      `key: ${nameOf('customer')} binds it to one customer, and ${nameOf('customers')} lets it name several: give one of them`,
    )
  }
  return given
}
