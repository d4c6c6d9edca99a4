// oxlint-disable-next-line import/no-unassigned-import -- it registers the sink
import '@token-meter/lago/register'
import { meter } from '@token-meter/openai'
import OpenAI from 'openai'

const client = new OpenAI({ apiKey: 'sk-bundled', baseURL: process.env.PROVIDER_URL })
const messages = [{ role: 'user', content: 'hi' }]
await meter(client, 'cus_bundled').chat.completions.create({ model: 'gpt-5.4-mini', messages })
await meter.flush({ timeoutMs: 2000 }).catch(({ message }) => console.log(message))
console.log(JSON.stringify(await meter.stats()))
