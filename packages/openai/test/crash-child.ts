// Run by crash.test.ts: one metered process. It says what it has done, line by line, and goes on
// until it is killed, or ends by itself.
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { stripeSink } from '@token-meter/stripe'
import OpenAI from 'openai'
import { createMeter, openaiProvider } from '../src/index.ts'
import { chatRequest } from './scripts.ts'

const [, , task, path = '', providerUrl = '', stripeUrl = '', apiKey = ''] = process.argv
const delivers = task !== 'call' && task !== 'stream'

const meter = createMeter({
  providers: [openaiProvider],
  outbox: sqliteOutbox(path),
  sinks: delivers ? [stripeSink({ apiKey, baseUrl: stripeUrl })] : [],
  delivery: { lingerMs: 1, pollMs: 50, backoff: { baseMs: 5, maxMs: 50 } },
  onError: (error) => console.log(`error ${error.message}`),
})
const client = new OpenAI({ apiKey: 'sk-x', baseURL: `${providerUrl}/v1`, maxRetries: 0 })
const openai = meter(client, 'cus_1')

if (task === 'call' || task === 'call-and-deliver' || task === 'call-and-exit') {
  await openai.chat.completions.create(chatRequest)
  console.log('resolved')
}
if (task === 'stream') {
  for await (const _ of await openai.chat.completions.create({ ...chatRequest, stream: true }));
  console.log('resolved')
}
if (task === 'deliver') {
  await meter.flush()
  console.log('flushed')
  await meter.close()
}
if (task === 'call-and-exit') process.exitCode = 7
else if (task !== 'deliver') setInterval(() => {}, 1000)
