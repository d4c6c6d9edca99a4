/** Who owns what a request makes, and whose things it may use. */
import type { Caller } from '../caller.ts'
import { type ChargeBy, mayCharge, type Payer } from './payer.ts'

/** Whose a request is, as to what was made by others before it. */
export interface ObjectOwner {
  /** The customer as `customer:<id>`; of a request that names none, its key: `key:<id>`. */
  readonly id: string
  /**
   * Whether what belongs to another owner is this request's too: of a customer that its key may name,
   * where it names nobody, as a request for a file does that has no body.
   */
  mayUse(owner: string): boolean
}

const ofCustomer = 'customer:'

export function objectOwner(caller: Caller, { customer }: Payer, chargeBy: ChargeBy): ObjectOwner {
  const ofKey = `key:${caller.keyId ?? ''}`
  const id = customer === null ? ofKey : `${ofCustomer}${customer}`
  return {
    id,
    mayUse(owner) {
      if (owner === id) return true
      if (customer !== null || !owner.startsWith(ofCustomer)) return false
      return mayCharge(caller, owner.slice(ofCustomer.length), chargeBy)
    },
  }
}
