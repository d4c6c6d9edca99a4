// meter.ts
import { createMeter } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { anthropicProvider } from '@token-meter/anthropic'
import { googleProvider } from '@token-meter/google'
import { lagoSink } from '@token-meter/lago'
import { openaiProvider } from '@token-meter/openai'

export const meter = createMeter({
  providers: [openaiProvider, anthropicProvider, googleProvider],
  outbox: sqliteOutbox(process.env.USAGE_DB ?? 'usage.db'),
  sinks: [lagoSink({ apiKey: process.env.LAGO_API_KEY, apiUrl: process.env.LAGO_API_URL })],
  onMissingCustomer: 'throw', // a call that nobody pays for is not sent
})
