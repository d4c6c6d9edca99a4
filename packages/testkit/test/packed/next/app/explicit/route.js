import { createMeter } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { openaiProvider } from '@token-meter/openai'
import { stripeSink } from '@token-meter/stripe'
import { ask } from '../../ask.js'

export const dynamic = 'force-dynamic'

const meter = createMeter({
  providers: [openaiProvider],
  outbox: sqliteOutbox('data/explicit.db'),
  sinks: [
    stripeSink({ apiKey: process.env.STRIPE_RESTRICTED_KEY, baseUrl: process.env.STRIPE_URL }),
  ],
})

export const GET = () => ask(meter, 'cus_explicit', true)
