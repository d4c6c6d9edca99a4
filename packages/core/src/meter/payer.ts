import {
  type AttributesOption,
  type Customer,
  isCustomerId,
  toAttributes,
} from '../call/customer.ts'
import { ConfigError, MissingCustomerError } from '../errors/errors.ts'
import { asyncStorage } from '../lib/runtime.ts'
import { handleRejection } from '../lib/promises.ts'
import type { Attributes } from '../usage/usage-record.ts'
import type { Call } from '../wire/endpoint.ts'

/** Who pays for a call, and what is attached to its meter events. */
export interface Payer {
  readonly customer: string | null
  readonly attributes: Attributes
}

interface PayerOptions {
  readonly customer: Customer
  /** The meter's own first, the client's last: later ones win. */
  readonly attributes: readonly AttributesOption[]
  readonly onMissingCustomer: 'record' | 'throw'
  readonly onFault: (what: string, cause?: unknown) => void
}

/**
 * Finds who pays for a call: what the client was wrapped with, else what `withCustomer` said. A
 * function of the application that throws is reported and counts as having said nothing.
 * @throws MissingCustomerError where calls without a customer are refused.
 */
export function findPayer(call: Call, options: PayerOptions): Payer {
  const customer = findCustomer(call, options) ?? contextCustomer() ?? null
  if (customer === null && options.onMissingCustomer === 'throw') {
    throw new MissingCustomerError(
      `no customer for a call of ${call.endpoint}: neither meter(client, customer), meter.fetch(customer) nor withCustomer() ` +
        'named one. The call was refused before it was sent (onMissingCustomer: "throw").',
    )
  }
  return { customer, attributes: findAttributes(call, options) }
}

const storage = asyncStorage<string | undefined>('token-meter.customer-context')

/** Who `withCustomer` named for the code that is running now. */
export function contextCustomer(): string | undefined {
  return storage?.getStore()
}

/**
 * Runs `work`, and all that it starts, with a customer for the calls that name none themselves;
 * `undefined` is nobody, also where somebody is named around it.
 */
export function runWithCustomer<Result>(customer: string | undefined, work: () => Result): Result {
  if (storage === null) {
    if (customer === undefined) return work()
    throw new ConfigError(
      'withCustomer() needs AsyncLocalStorage, which this runtime does not have (on Cloudflare ' +
        'Workers set the nodejs_compat flag); pass the customer to meter() instead',
    )
  }
  return storage.run(customer, work)
}

const useNoPromise =
  'answered a promise, which cannot be waited for without delaying the call: find the value before wrapping the client'

function findCustomer(call: Call, { customer, onFault }: PayerOptions): string | undefined {
  if (typeof customer === 'string') return customer
  try {
    const found: unknown = customer(readOnlyCall(call))
    if (handleRejection(found)) {
      onFault(`the customer function ${useNoPromise}`)
      return undefined
    }
    if (found === undefined || found === null || isCustomerId(found)) return found ?? undefined
    onFault(
      `the customer function answered ${typeof found === 'string' ? 'an empty string' : `a value of type ${typeof found}`} instead of a customer id`,
    )
  } catch (cause) {
    onFault(threw('customer', cause), cause)
  }
  return undefined
}

const noAttributes: Attributes = {}

function findAttributes(call: Call, { attributes, onFault }: PayerOptions): Attributes {
  if (attributes.length === 0) return noAttributes
  const found: Record<string, string> = {}
  for (const option of attributes) {
    try {
      const values = typeof option === 'function' ? option(readOnlyCall(call)) : option
      if (handleRejection(values)) {
        onFault(`the attributes function ${useNoPromise}`)
        continue
      }
      const result = toAttributes(values ?? {})
      for (const refusal of result.refused) onFault(refusal)
      Object.assign(found, result.attributes)
    } catch (cause) {
      onFault(threw('attributes', cause), cause)
    }
  }
  return found
}

/**
 * A call as functions of the application see it: they cannot change what is sent. Only the top
 * level is copied, since a conversation can be large.
 */
function readOnlyCall(call: Call): Call {
  const { body } = call
  if (typeof body !== 'object' || body === null) return Object.freeze({ ...call })
  const copy: object = Object.create(Object.getPrototypeOf(body) as object | null)
  return Object.freeze({ ...call, body: Object.freeze(Object.assign(copy, body)) })
}

/** Without the error's own text, which may quote the conversation. */
function threw(which: string, cause: unknown): string {
  const name = cause instanceof Error ? cause.name : typeof cause
  return `the ${which} function threw (${name})`
}
