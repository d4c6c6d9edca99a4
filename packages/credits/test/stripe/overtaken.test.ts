import Stripe from 'stripe'
import { expect, test } from 'vitest'
import { openShop } from './shop.ts'

test('what another event has written while this one was reading stands, whichever read it overtook', async () => {
  const shop = await openShop()
  const { billing, fake, stripe, setHandle, webhookFor, credits } = shop
  const price = await shop.pack()
  const plain = webhookFor(credits)
  for (let overtaken = 1, isOver = false; !isOver; overtaken++) {
    const customer = await shop.customer()
    setHandle(plain)
    const { id } = await shop.checkout(price.id, customer)
    billing.completeCheckout(id)
    await billing.deliver()
    const intent = String((await stripe.checkout.sessions.retrieve(id)).payment_intent)
    const refund = () => stripe.refunds.create({ payment_intent: intent, amount: 600 })
    let reads = 0
    const slow = new Stripe(fake.apiKey, {
      host: fake.host,
      port: fake.port,
      protocol: 'http',
      telemetry: false,
      httpClient: Stripe.createFetchHttpClient(async (...request) => {
        const response = await fetch(...request)
        reads++
        if (reads !== overtaken) return response
        // A second refund is told of and written, before what was read here is.
        setHandle(plain)
        await refund()
        await billing.deliver()
        return response
      }),
    })
    await refund()
    const [told] = billing.events.filter(({ type }) => type === 'refund.created').slice(-1)
    if (told === undefined) throw new Error('nobody was told of the refund')
    setHandle(webhookFor(credits, { stripe: slow }))
    for (const { status } of await billing.deliver({ events: [told] })) expect(status).toBe(200)
    isOver = reads < overtaken
    const left = isOver ? '20' : '15'
    expect(await shop.available(customer), `overtaken at read ${overtaken}`).toBe(left)
    if (isOver) expect(overtaken).toBeGreaterThan(2)
  }
}, 60_000)
