/**
 * One metered `fetch` for whatever takes one: an SDK, code of your own, a server of your own. Runs without
 * keys, against a provider on this machine.
 */
import { createMeter, memoryOutbox, type UsageRecord } from '@token-meter/core'
import { mistralProvider } from '@token-meter/mistral'
import { openaiProvider } from '@token-meter/openai'
import OpenAI from 'openai'
import { startLocalProvider } from './local-provider.ts'

const local = await startLocalProvider()
const meter = createMeter({ providers: [openaiProvider, mistralProvider], outbox: memoryOutbox() })
const records: UsageRecord[] = []
meter.on('usage', (record) => void records.push(record))

// In an application of yours: meter.fetch('cus_tea_shop').
const metered = meter.fetch('cus_tea_shop', { fetch: local.fetch })

// 1. Whatever takes a fetch. (An OpenAI client you would rather give to meter() itself.)
const openai = new OpenAI({ apiKey: 'none', fetch: metered })
const stream = await openai.chat.completions.create({
  model: 'gpt-5.4',
  messages: [{ role: 'user', content: 'Say something about tea, in three words.' }],
  stream: true,
})
for await (const { choices } of stream) process.stdout.write(choices[0]?.delta.content ?? '')
process.stdout.write('\n')

// 2. A request of your own, to another provider.
const post = (body: object) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
const messages = [{ role: 'user', content: 'Which tea in the morning?' }]
const asked = post({ model: 'mistral-medium-latest', messages })
const answer = await metered('https://api.mistral.ai/v1/chat/completions', asked)
const { choices } = (await answer.json()) as { choices: { message: { content: string } }[] }
console.log(choices[0]?.message.content)

// 3. A server of your own that speaks OpenAI's API.
const embedding = post({ model: 'bge-m3', input: 'Tea' })
await (await metered('http://models.internal.example:8000/v1/embeddings', embedding)).json()

// 4. What asks no model goes through it untouched.
const parcel = post({ to: 'Ada', text: 'Your tea is here.' })
const sent = await metered('https://post.example/v1/messages', parcel)
console.log(await sent.json())

await meter.close()
for (const record of records) print(record)
await local.close()

function print({ customer, provider, endpoint, model, tokens }: UsageRecord): void {
  const used = Object.entries(tokens).filter(([, count]) => count > 0)
  const text = used.map(([name, count]) => `${name} ${count}`).join(', ')
  console.log(`  ${customer}  ${provider} ${endpoint}  ${model}: ${text}`)
}
