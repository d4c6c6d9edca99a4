'use strict'
// Sells a pack of credit at a fake Stripe, spends it, is refused, and tops up.
const { createServer } = require('node:http')
const { Readable } = require('node:stream')

/** @param use the packages, in the format that is tried. */
module.exports = async function run(use, path) {
  const { createMeter, cost, sqliteOutbox, openaiProvider, OpenAI, Stripe } = use
  const { createCredits, InsufficientCreditsError, creditEvents, creditsWebhook } = use
  const fake = await use.startFakeStripe()
  const provider = await use.startReplayServer()
  const usage = { prompt_tokens: 100, completion_tokens: 400, total_tokens: 500 }
  const choices = [{ index: 0, message: { role: 'assistant', content: 'Yes.' } }]
  provider.serve({ id: 'chatcmpl-1', model: 'gpt-5.4', choices, usage }, { times: Infinity })

  const outbox = sqliteOutbox(path)
  const prices = cost({ prices: { 'openai/gpt-5.4': { input: 0, output: 1000 } } })
  const credits = createCredits({ outbox, cost: prices })
  const sinks = [use.stripeSink({ apiKey: fake.apiKey, baseUrl: fake.url })]
  const guard = credits.guard()
  const meter = createMeter({ providers: [openaiProvider], outbox, cost: prices, sinks, guard })
  const { host, port } = fake
  const stripe = new Stripe(fake.apiKey, { host, port, protocol: 'http', telemetry: false })

  let handle
  const server = createServer(async (request, response) => {
    const { method, headers } = request
    const body = Readable.toWeb(request)
    const init = { method, headers, body, duplex: 'half' }
    const answer = await handle(new Request('http://127.0.0.1/', init))
    response.writeHead(answer.status).end(await answer.text())
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}/`
  const endpoint = await stripe.webhookEndpoints.create({ url, enabled_events: [...creditEvents] })
  handle = creditsWebhook({ credits, stripe, webhookSecret: endpoint.secret })
  const product = await stripe.products.create({ name: 'Credit' })
  const metadata = { token_meter_usd: '1' }
  const pack = { product: product.id, currency: 'eur', unit_amount: 300, metadata }
  const { id: price } = await stripe.prices.create(pack)
  const line_items = [{ price, quantity: 1 }]
  const buy = async () => {
    const wanted = { mode: 'payment', customer: 'cus_1', line_items, success_url: url }
    const session = await stripe.checkout.sessions.create(wanted)
    fake.billing.completeCheckout(session.id)
    await fake.billing.deliver()
    await fake.billing.deliver({ events: fake.billing.events })
  }

  const openai = meter(new OpenAI({ apiKey: 'k', baseURL: `${provider.url}/v1` }), 'cus_1')
  const messages = [{ role: 'user', content: 'Is tea hot?' }]
  const ask = () =>
    openai.chat.completions.create({ model: 'gpt-5.4', messages, max_completion_tokens: 800 }).then(
      () => 'answered',
      (error) => (error instanceof InsufficientCreditsError ? error.required : String(error)),
    )
  const saw = [await ask()]
  await buy()
  saw.push(await ask(), await ask())
  await buy()
  saw.push(await ask())
  const { available } = await credits.balance('cus_1')
  const { sinks: delivered } = await meter.flush()
  const { isClean } = await credits.reconcile()
  await meter.close()
  server.close()
  await Promise.all([fake.close(), provider.close()])
  const billed = fake.billed().length
  return { saw, available, covered: delivered.stripe.covered, billed, isClean }
}
