/** A company that uses the chat and pays for what its people use. */
export interface Tenant {
  readonly id: string
  readonly name: string
  /** Who Stripe bills: `cus_...`. Your application has it in its database, beside the company. */
  readonly stripeCustomer: string
  /** Buys credit before it is used. The others are billed afterwards for what they used. */
  readonly isPrepaid: boolean
}

export type StripeCustomers = readonly [alder: string, birch: string, cedar: string]

export const localCustomers: StripeCustomers = ['cus_alder', 'cus_birch', 'cus_cedar']

/** @param sellsCredit where it cannot be bought, all pay as they go. */
export function tenantsOf(
  [alder, birch, cedar]: StripeCustomers,
  sellsCredit: boolean,
): readonly Tenant[] {
  return [
    { id: 'alder', name: 'Alder Travel', stripeCustomer: alder, isPrepaid: false },
    { id: 'birch', name: 'Birch Legal', stripeCustomer: birch, isPrepaid: false },
    { id: 'cedar', name: 'Cedar Market', stripeCustomer: cedar, isPrepaid: sellsCredit },
  ]
}
