import { createRequire } from 'node:module'
import * as esm from '@token-meter/openai'
import OpenAI from 'openai'
import startLocalProvider from './local-provider.cjs'

const cjs = createRequire(import.meta.url)('@token-meter/openai')
const pipeline = () => globalThis[Symbol.for('token-meter.pipeline')]

const provider = await startLocalProvider()
const client = new OpenAI({ apiKey: 'sk-packed', baseURL: `${provider.url}/v1` })
const ask = (metered) => {
  const messages = [{ role: 'user', content: 'hi' }]
  return metered.chat.completions.create({ model: 'gpt-5.4-mini', messages })
}

await ask(esm.meter(client, 'cus_esm'))
const first = pipeline()
await ask(cjs.meter(client, 'cus_cjs'))
await ask(cjs.meter(esm.meter(client, 'cus_inner'), 'cus_outer'))
await esm.meter.withCustomer('cus_context', () => ask(cjs.meter(client, () => undefined)))

const { recorded } = await cjs.meter.stats()
console.log(
  JSON.stringify({
    areTwoCopies: esm.meter !== cjs.meter && esm.ConfigError !== cjs.ConfigError,
    sharePipeline: first !== undefined && first === pipeline(),
    shareOutbox: esm.meter.outbox === cjs.meter.outbox,
    knowEachOthersErrors: esm.TokenMeterError.isInstance(new cjs.ConfigError('x')),
    recorded,
  }),
)
await esm.meter.close()
provider.close()
