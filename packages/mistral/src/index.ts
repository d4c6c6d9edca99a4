/**
 * Meters the clients of the `@mistralai/mistralai` package: `meter(new Mistral(), 'cus_123')`.
 * @module
 */
import { type Meter, zeroConfigMeter } from '@token-meter/core/adapter'
import type { MistralClient } from './sdk/mistral-client.ts'
import { mistralProvider } from './sdk/mistral-provider.ts'
import type { MistralRealtime } from './sdk/realtime-transcription.ts'

/**
 * The same client, metered: every call it makes becomes usage of the customer, delivered to the
 * billing backends that the environment names (`STRIPE_RESTRICTED_KEY`, ...), through an outbox on
 * disk (`TOKEN_METER_OUTBOX`, default `.token-meter/usage.db`).
 *
 * What the environment lacks (a package, a disk) is told by `console.warn` and fails no call: usage waits
 * for it. A client for realtime transcription (`RealtimeTranscription`) is metered by it too.
 *
 * @throws TypeError for an empty customer or what is no Mistral client;
 * ConfigError for an option that there is not.
 */
export const meter: Meter<MistralClient | MistralRealtime> = zeroConfigMeter(mistralProvider)

export { mistralProvider }
export type { MistralClient, MistralRealtime }
export * from '@token-meter/core'
