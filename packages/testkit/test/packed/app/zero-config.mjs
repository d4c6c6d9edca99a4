import { meter } from '@token-meter/openai'
import OpenAI from 'openai'
import startLocalProvider from './local-provider.cjs'

const provider = await startLocalProvider()
const client = new OpenAI({ apiKey: 'sk-packed', baseURL: `${provider.url}/v1` })
try {
  const metered = meter(client, 'cus_zero')
  const messages = [{ role: 'user', content: 'hi' }]
  await metered.chat.completions.create({ model: 'gpt-5.4-mini', messages })
  await meter.close()
} finally {
  provider.close()
}
