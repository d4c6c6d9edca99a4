import { createMeter, type Meter } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { type Credits, createCredits, InsufficientCreditsError } from '@token-meter/credits'
import { creditsWebhook } from '@token-meter/credits/stripe'
import { meter, openaiProvider, type OpenAIClient } from '@token-meter/openai'
import { chatCompletionsUsage } from '@token-meter/openai/usage'
import { stripeSink } from '@token-meter/stripe'
import OpenAI, { AzureOpenAI } from 'openai'
import Stripe from 'stripe'

export const client: OpenAI = meter(new OpenAI(), 'c')
export const azure: AzureOpenAI = meter(new AzureOpenAI(), (call) => call.body.user)

// @ts-expect-error: a plain object is no client
meter({}, 'c')
// @ts-expect-error: nobody pays
meter(new OpenAI())

const outbox = sqliteOutbox('usage.db')
const own = createMeter({
  providers: [openaiProvider],
  outbox,
  sinks: [stripeSink({ apiKey: process.env['STRIPE_RESTRICTED_KEY'] })],
})
export const named: Meter<OpenAIClient> = own
export const again: OpenAI = own(client, 'c', { attributes: { feature: 'chat' } })

export const credits: Credits = createCredits({ outbox })
const guard = credits.guard({ defaultMaxOutput: 800 })
createMeter({ providers: [openaiProvider], outbox, guard })
const stripe = new Stripe('sk_test_1')
export const webhook: (request: Request) => Promise<Response> = creditsWebhook({
  credits,
  stripe,
  webhookSecret: 'whsec_1',
})
export const required = (error: unknown): string | undefined =>
  error instanceof InsufficientCreditsError ? error.required : undefined
// @ts-expect-error: an amount is text
void credits.grant('c', { usd: 25, idempotencyKey: 'pi_1' })
export const read: typeof chatCompletionsUsage = chatCompletionsUsage
