import { ConfigError } from '../errors/errors.ts'
import { isFunction, type OptionCheck } from '../errors/option-check.ts'
import { isPlain } from '../lib/json.ts'
import type { Attributes } from '../usage/usage-record.ts'
import type { Call } from '../wire/endpoint.ts'

/**
 * Who pays: the id that the billing backend knows the customer by, or a function that finds it in
 * each call. A function that answers `undefined` leaves it to `withCustomer`.
 */
export type Customer = string | ((call: Call) => string | undefined)

/** Values that become dimensions; numbers and booleans are written as text. */
export type AttributeValues = Readonly<Record<string, string | number | boolean | undefined>>

/** Extra dimensions of the meter events, fixed or found in each call. */
export type AttributesOption = AttributeValues | ((call: Call) => AttributeValues | undefined)

/** Names that decide who pays and how much, which no attribute may take. */
const reservedAttributes = new Set([
  'customer',
  'stripe_customer_id',
  'value',
  'model',
  'token_type',
])

/**
 * Refuses what can never be a customer, at the moment of wrapping.
 * @param owner the function that takes it: `meter()`.
 * @throws TypeError for an empty string or anything but a string or a function.
 */
export function checkCustomer(customer: unknown, owner: string): asserts customer is Customer {
  if (typeof customer === 'function' || isCustomerId(customer)) return
  const got =
    typeof customer === 'string'
      ? 'an empty string'
      : customer === null
        ? 'null'
        : typeof customer === 'object'
          ? 'an object'
          : String(customer)
  throw new TypeError(
    `${owner} expected the customer to be a non-empty string or a function of the call, got ${got}. ` +
      `Pass the id your billing backend knows the customer by, such as 'cus_123'; ` +
      `where only withCustomer() names it, pass () => undefined.`,
  )
}

/** True for what can be a customer id: text that is not blank. */
export function isCustomerId(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

const isAttributes = (value: unknown) => isFunction(value) || isPlain(value)

/**
 * `undefined` stands for none.
 * @throws ConfigError for what is no attributes, and for those that would hide a billing field.
 */
export function checkAttributes(check: OptionCheck, attributes: unknown = {}): void {
  check('attributes', attributes, 'an object of dimensions or a function of the call', isAttributes)
  if (isFunction(attributes)) return
  const { refused } = toAttributes(attributes as AttributeValues)
  if (refused.length > 0) throw new ConfigError(refused.join('; '))
}

/** Attributes as text, and in words what had to be left out. */
export function toAttributes(values: AttributeValues): {
  attributes: Attributes
  refused: readonly string[]
} {
  const attributes: Record<string, string> = {}
  const refused: string[] = []
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue
    if (reservedAttributes.has(name)) {
      refused.push(
        `the attribute "${name}" is a billing field and was left out; choose another name`,
      )
    } else if (!['string', 'number', 'boolean'].includes(typeof value)) {
      refused.push(`the attribute "${name}" is neither text, number nor boolean and was left out`)
    } else {
      attributes[name] = String(value)
    }
  }
  return { attributes, refused }
}
