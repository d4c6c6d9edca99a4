/**
 * Four kinds of calls through one metered client, and what each is recorded as. Runs without keys,
 * against a provider on this machine; with OPENAI_API_KEY against OpenAI.
 */
import { createMeter, memoryOutbox, openaiProvider, type UsageRecord } from '@token-meter/openai'
import OpenAI from 'openai'
import { startLocalProvider } from './local-provider.ts'

const local = process.env['OPENAI_API_KEY'] ? undefined : await startLocalProvider()
const client =
  local === undefined ? new OpenAI() : new OpenAI({ apiKey: 'none', baseURL: `${local.url}/v1` })

const meter = createMeter({ providers: [openaiProvider], outbox: memoryOutbox() })
const records: UsageRecord[] = []
meter.on('usage', (record) => void records.push(record))

const openai = meter(client, 'cus_tea_shop')

const stream = await openai.chat.completions.create({
  model: 'gpt-5.4',
  messages: [{ role: 'user', content: 'Say something about tea, in three words.' }],
  stream: true,
})
for await (const { choices } of stream) process.stdout.write(choices[0]?.delta.content ?? '')
process.stdout.write('\n')

const { output_text: answer } = await openai.responses.create({
  model: 'gpt-5.4',
  input: 'Which tea in the morning?',
})
console.log(answer)

const { data = [] } = await openai.images.generate({ model: 'gpt-image-2', prompt: 'A cup of tea' })
console.log(`${data.length} image`)

const speech = await openai.audio.speech.create({
  model: 'tts-1',
  voice: 'alloy',
  input: 'The tea is ready.',
})
console.log(`${(await speech.arrayBuffer()).byteLength} bytes of speech`)

await meter.close()
for (const record of records) print(record)
await local?.close()

function print({ customer, endpoint, model, tokens, details }: UsageRecord): void {
  const counts = { ...tokens, ...details }
  const used = Object.entries(counts).filter(([, count]) => Number(count) > 0)
  const text = used.map(([name, count]) => `${name} ${String(count)}`).join(', ')
  console.log(`  ${customer}  ${endpoint}  ${model}: ${text}`)
}
