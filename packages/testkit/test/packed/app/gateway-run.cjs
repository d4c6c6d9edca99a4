'use strict'
// A call through a gateway in front of a provider on this machine, with a key and with one that is none.
const startLocalProvider = require('./local-provider.cjs')

/** @param use the packages, in the format that is tried. */
module.exports = async function run({
  createGateway,
  createMeter,
  memoryOutbox,
  openaiProvider,
  OpenAI,
}) {
  const provider = await startLocalProvider()
  const outbox = memoryOutbox()
  const meter = createMeter({ providers: [openaiProvider], outbox, sinks: [] })
  const records = []
  meter.on('usage', ({ customer, tokens }) => {
    records.push({ customer, tokens: Object.values(tokens) })
  })
  const adminKey = 'admin-key-of-the-test'
  const gateway = createGateway({
    meter,
    upstreams: { openai: { baseUrl: provider.url, apiKey: 'sk-upstream' } },
    adminKey,
  })
  const listening = await gateway.listen({ port: 0 })
  const made = await fetch(`${listening.url}/key/generate`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ customer: 'cus_gateway' }),
  })
  const { key } = await made.json()
  const ask = (apiKey) =>
    new OpenAI({
      apiKey,
      baseURL: `${listening.url}/openai/v1`,
      maxRetries: 0,
    }).chat.completions.create({
      model: 'gpt-5.4-mini',
      messages: [{ role: 'user', content: 'hi' }],
    })
  const answer = (await ask(key)).choices[0].message.content
  const refused = await ask(`${key.slice(0, -1)}_`).catch(({ status }) => status)
  await listening.close()
  await meter.close()
  provider.close()
  return { answer, refused, records }
}
