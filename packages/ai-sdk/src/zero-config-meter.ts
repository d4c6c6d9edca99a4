import { type Meter, zeroConfigMeter } from '@token-meter/core/adapter'
import type { AiSdkClient } from './ai-sdk-client.ts'
import { aiSdkProvider } from './ai-sdk-provider.ts'

/**
 * The same model or provider, metered: every call becomes usage of the customer, delivered to the
 * billing backends that the environment names (`STRIPE_RESTRICTED_KEY`, ...), through an outbox on
 * disk (`TOKEN_METER_OUTBOX`, default `.token-meter/usage.db`).
 *
 * What the environment lacks (a package, a disk) is told by `console.warn` and fails no call: usage waits
 * for it.
 *
 * @throws TypeError for an empty customer or what is no model or provider object of the AI SDK, a
 * model id such as `'openai/gpt-5'` among them; ConfigError for an option that there is not.
 */
export const meter: Meter<AiSdkClient> = zeroConfigMeter(aiSdkProvider)
