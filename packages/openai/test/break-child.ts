// Run by robustness.test.ts: leaves a stream that never ends, with nothing else to do.
import OpenAI from 'openai'
import { createMeter, memoryOutbox, openaiProvider } from '../src/index.ts'
import { chatRequest } from './scripts.ts'

const finish = { choices: [{ index: 0, delta: { content: 'x' }, finish_reason: 'stop' }] }
const body = new ReadableStream({
  start(controller) {
    controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(finish)}\n\n`))
  },
})
const headers = { 'content-type': 'text/event-stream' }
const client = new OpenAI({ apiKey: 'x', fetch: async () => new Response(body, { headers }) })

const meter = createMeter({ providers: [openaiProvider], outbox: memoryOutbox() })
meter.on('usage', () => console.log('recorded 1'))
const openai = meter(client, 'cus_1')
for await (const _ of await openai.chat.completions.create({ ...chatRequest, stream: true })) break
console.log('after break')
