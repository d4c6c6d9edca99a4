import type { FakeStripe } from '@token-meter/testkit'
import { Hono } from 'hono'
import { html } from 'hono/html'
import type { Seller } from './seller.ts'
import type { ForTenant } from './session.ts'

/** Stands in for the Checkout page of Stripe's: paid by a button, and told by a signed webhook. */
export function localCheckout({ client }: Seller, fake: FakeStripe): Hono<ForTenant> {
  return new Hono<ForTenant>()
    .get('/:session', async (c) => {
      const session = await client.checkout.sessions.retrieve(c.req.param('session'))
      return c.html(payPage(c.var.tenant.name, (session.amount_total ?? 0) / 100))
    })
    .post('/:session', async (c) => {
      const session = await client.checkout.sessions.retrieve(c.req.param('session'))
      // Who presses it twice pays once.
      if (session.status === 'open') fake.billing.completeCheckout(session.id)
      await fake.billing.deliver()
      return c.redirect(session.success_url ?? '/', 303)
    })
}

function payPage(company: string, dollars: number) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Checkout</title>
        <link rel="icon" href="/icon.svg" />
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body class="login">
        <form method="post">
          <h1>$${dollars.toFixed(2)} of credit</h1>
          <p>For ${company}.</p>
          <button class="pay">Pay $${dollars.toFixed(2)}</button>
          <small>No money moves: this page stands in for Stripe Checkout, on your machine.</small>
        </form>
      </body>
    </html>`
}
