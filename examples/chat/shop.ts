import type { Credits } from '@token-meter/credits'
import { creditsWebhook } from '@token-meter/credits/stripe'
import type { FakeStripe } from '@token-meter/testkit'
import type { Shop } from './app.ts'
import { localCheckout } from './local-checkout.ts'
import type { Seller } from './seller.ts'
import type { Tenant } from './tenants.ts'
import { topUpRoute } from './top-up.ts'

/** What a company that buys credit is given to begin with, once: a cent, so that it runs out soon. */
const welcome = { usd: '0.01', kind: 'promo' } as const

export interface ShopOptions {
  readonly credits: Credits
  readonly tenants: readonly Tenant[]
  /** Where Stripe is on this machine. */
  readonly fake: FakeStripe | undefined
}

/** Opens the accounts of those that buy credit, and sells it to them. */
export async function openShop(
  seller: Seller,
  { credits, tenants, fake }: ShopOptions,
): Promise<Shop> {
  for (const { stripeCustomer: customer, isPrepaid } of tenants) {
    if (!isPrepaid) continue
    await credits.grant(customer, { ...welcome, idempotencyKey: `welcome:${customer}` })
  }
  const { client: stripe, webhookSecret } = seller
  return {
    topUp: topUpRoute(seller),
    handlePayments: creditsWebhook({ credits, stripe, webhookSecret }),
    checkout: fake && localCheckout(seller, fake),
  }
}
