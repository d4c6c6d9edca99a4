import { createMeter, type Meter } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { meter, openaiProvider, type OpenAIClient } from '@token-meter/openai'
import { chatCompletionsUsage } from '@token-meter/openai/usage'
import { stripeSink } from '@token-meter/stripe'
import OpenAI, { AzureOpenAI } from 'openai'

export const client: OpenAI = meter(new OpenAI(), 'c')
export const azure: AzureOpenAI = meter(new AzureOpenAI(), (call) => call.body.user)

// @ts-expect-error: a plain object is no client
meter({}, 'c')
// @ts-expect-error: nobody pays
meter(new OpenAI())

const own = createMeter({
  providers: [openaiProvider],
  outbox: sqliteOutbox('usage.db'),
  sinks: [stripeSink({ apiKey: process.env['STRIPE_RESTRICTED_KEY'] })],
})
export const named: Meter<OpenAIClient> = own
export const again: OpenAI = own(client, 'c', { attributes: { feature: 'chat' } })
export const read: typeof chatCompletionsUsage = chatCompletionsUsage
