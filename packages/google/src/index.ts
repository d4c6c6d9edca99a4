/**
 * Meters the clients of the `@google/genai` package: `meter(new GoogleGenAI({}), 'cus_123')`.
 * @module
 */
import { type Meter, zeroConfigMeter } from '@token-meter/core/adapter'
import type { GoogleClient } from './sdk/google-client.ts'
import { googleProvider } from './sdk/google-provider.ts'

/**
 * The same client, metered: every call it makes becomes usage of the customer, delivered to the
 * billing backends that the environment names (`STRIPE_RESTRICTED_KEY`, ...), through an outbox on
 * disk (`TOKEN_METER_OUTBOX`, default `.token-meter/usage.db`).
 *
 * What the environment lacks (a package, a disk) is told by `console.warn` and fails no call: usage waits
 * for it.
 *
 * @throws TypeError for an empty customer or what is no Google client;
 * ConfigError for an option that there is not.
 */
export const meter: Meter<GoogleClient> = zeroConfigMeter(googleProvider)

export { googleProvider }
export type { GoogleClient }
export * from '@token-meter/core'
