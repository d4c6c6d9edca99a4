import type { Call } from '../wire/call.ts'
import { contextCustomer } from '../call/customer-context.ts'
import {
  type AttributesOption,
  type Customer,
  isCustomerId,
  toAttributes,
} from '../call/customer.ts'
import { MissingCustomerError } from '../errors/errors.ts'
import { handleRejection } from '../lib/promises.ts'
import { readOnlyCall } from './read-only-call.ts'
import type { Attributes } from '../usage/usage-record.ts'

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

const noAttributes: Attributes = {}

/**
 * Finds who pays for a call: what the client was wrapped with, else what `withCustomer` said. A
 * function of the application that throws is reported and counts as having said nothing.
 * @throws MissingCustomerError where calls without a customer are refused.
 */
export function findPayer(call: Call, options: PayerOptions): Payer {
  const customer = findCustomer(call, options) ?? contextCustomer() ?? null
  if (customer === null && options.onMissingCustomer === 'throw') {
    throw new MissingCustomerError(
      `no customer for a call of ${call.endpoint}: neither meter(client, customer) nor withCustomer() ` +
        'named one. The call was refused before it was sent (onMissingCustomer: "throw").',
    )
  }
  return { customer, attributes: findAttributes(call, options) }
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

/** Without the error's own text, which may quote the conversation. */
function threw(which: string, cause: unknown): string {
  const name = cause instanceof Error ? cause.name : typeof cause
  return `the ${which} function threw a ${name}`
}
