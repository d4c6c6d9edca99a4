import type { Call } from './call/call.ts'
import { contextCustomer } from './call/customer-context.ts'
import {
  type AttributesOption,
  type Customer,
  isCustomerId,
  toAttributes,
} from './call/customer.ts'
import { MissingCustomerError } from './errors/missing-customer-error.ts'
import type { Attributes } from './usage/usage-record.ts'

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
      `no customer for a ${call.endpoint} call: neither meter(client, customer) nor withCustomer() ` +
        'named one. The call was refused before it was sent (onMissingCustomer: "throw").',
    )
  }
  return { customer, attributes: findAttributes(call, options) }
}

function findCustomer(call: Call, { customer, onFault }: PayerOptions): string | undefined {
  if (typeof customer === 'string') return customer
  try {
    const found: unknown = customer(call)
    if (found === undefined || found === null || isCustomerId(found)) return found ?? undefined
    onFault(
      `the customer function answered ${typeof found === 'string' ? 'an empty string' : `a value of type ${typeof found}`} instead of a customer id`,
    )
  } catch (cause) {
    onFault('the customer function threw', cause)
  }
  return undefined
}

function findAttributes(call: Call, { attributes, onFault }: PayerOptions): Attributes {
  if (attributes.length === 0) return noAttributes
  const found: Record<string, string> = {}
  for (const option of attributes) {
    try {
      const values = typeof option === 'function' ? option(call) : option
      const result = toAttributes(values ?? {})
      for (const refusal of result.refused) onFault(refusal)
      Object.assign(found, result.attributes)
    } catch (cause) {
      onFault('the attributes function threw', cause)
    }
  }
  return found
}
