/** A company that uses the chat and pays for what its people use. */
export interface Tenant {
  readonly id: string
  readonly name: string
  /** Who Stripe bills: `cus_...`. Your application has it in its database, beside the company. */
  readonly stripeCustomer: string
}

export type StripeCustomers = readonly [alder: string, birch: string, cedar: string]

export const localCustomers: StripeCustomers = ['cus_alder', 'cus_birch', 'cus_cedar']

export function tenantsOf([alder, birch, cedar]: StripeCustomers): readonly Tenant[] {
  return [
    { id: 'alder', name: 'Alder Travel', stripeCustomer: alder },
    { id: 'birch', name: 'Birch Legal', stripeCustomer: birch },
    { id: 'cedar', name: 'Cedar Market', stripeCustomer: cedar },
  ]
}
