import { Hono } from 'hono'
import type { Seller } from './seller.ts'
import type { ForTenant } from './session.ts'

/**
 * POST /top-up: to a page of Stripe's, on which the signed-in company buys a pack of credit. What comes of
 * it is told by the webhook, and not by the browser that comes back.
 */
export function topUpRoute({ client, price, payAt }: Seller): Hono<ForTenant> {
  return new Hono<ForTenant>().post('/', async (c) => {
    const session = await client.checkout.sessions.create({
      mode: 'payment',
      customer: c.var.tenant.stripeCustomer,
      line_items: [{ price, quantity: 1 }],
      success_url: new URL('/paid.html', c.req.url).href,
    })
    return c.redirect(payAt(session), 303)
  })
}
