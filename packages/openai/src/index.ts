/**
 * Meters the clients of the `openai` package: `meter(new OpenAI(), 'cus_123')`.
 * @module
 */
import { type Meter, zeroConfigMeter } from '@token-meter/core/adapter'
import type { OpenAIClient } from './openai-client.ts'
import { openaiProvider } from './openai-provider.ts'

/**
 * The same client, metered: every call it makes becomes usage of the customer, delivered to the
 * billing backends that the environment names (`STRIPE_RESTRICTED_KEY`, ...), through an outbox on
 * disk (`TOKEN_METER_OUTBOX`, default `.token-meter/usage.db`).
 *
 * @throws TypeError for an empty customer or what is no OpenAI client; ConfigError when a key is
 * set whose sink package is not installed.
 */
export const meter: Meter<OpenAIClient> = zeroConfigMeter(openaiProvider)

export { openaiProvider }
export type { OpenAIClient }
export * from '@token-meter/core'
