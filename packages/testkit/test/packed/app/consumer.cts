import core = require('@token-meter/core')
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { createCredits } from '@token-meter/credits'
import { creditEvents } from '@token-meter/credits/stripe'
import { meter, openaiProvider } from '@token-meter/openai'
import { stripeSink } from '@token-meter/stripe'
import { OpenAI } from 'openai'

export const client: OpenAI = meter(new OpenAI(), 'c')

// @ts-expect-error: a plain object is no client
meter({}, 'c')

const own = core.createMeter({
  providers: [openaiProvider],
  outbox: sqliteOutbox('usage.db'),
  sinks: [stripeSink({ apiKey: 'rk_test_1' })],
})
export const events: readonly string[] = creditEvents
export const credits = createCredits({ outbox: sqliteOutbox('usage.db') })
export const again: OpenAI = own(client, 'c')
