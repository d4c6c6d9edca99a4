'use strict'
const startLocalProvider = require('./local-provider.cjs')
const startLocalStripe = require('./local-stripe.cjs')

const question = { model: 'gpt-5.4-mini', messages: [{ role: 'user', content: 'hi' }] }

/** A plain and a streamed call, metered and billed; prints what the caller and Stripe saw. */
module.exports = async function meteredCalls(packages, outboxPath) {
  const { OpenAI, createMeter, sqliteOutbox, openaiProvider, stripeSink } = packages
  const provider = await startLocalProvider()
  const stripe = await startLocalStripe()

  const meter = createMeter({
    providers: [openaiProvider],
    outbox: sqliteOutbox(outboxPath),
    sinks: [stripeSink({ apiKey: 'rk_test_packed', baseUrl: stripe.url })],
  })
  const client = new OpenAI({ apiKey: 'sk-packed', baseURL: `${provider.url}/v1` })
  const plain = meter(client, 'cus_plain')
  const streamed = meter(client, 'cus_stream', { includeUsage: true })

  const answer = await plain.chat.completions.create(question)
  const chunks = []
  for await (const chunk of await streamed.chat.completions.create({ ...question, stream: true })) {
    chunks.push(chunk)
  }
  await meter.flush()
  await meter.close()
  provider.close()
  stripe.close()

  const saw = {
    answer: answer.choices[0].message.content,
    chunks: chunks.map(({ choices, ...rest }) => [choices[0]?.delta.content, 'usage' in rest]),
  }
  const events = stripe.events.map(({ event_name: name, identifier, payload }) => {
    return { name, type: identifier.split(':')[1], ...payload }
  })
  console.log(JSON.stringify({ saw, events }))
}
