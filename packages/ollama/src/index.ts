/**
 * Meters the clients of the `ollama` package: `meter(new Ollama(), 'cus_123')`.
 * @module
 */
import { type Meter, zeroConfigMeter } from '@token-meter/core/adapter'
import type { OllamaClient } from './sdk/ollama-client.ts'
import { ollamaProvider } from './sdk/ollama-provider.ts'

/**
 * The same client, metered: every call it makes becomes usage of the customer, delivered to the
 * billing backends that the environment names (`STRIPE_RESTRICTED_KEY`, ...), through an outbox on
 * disk (`TOKEN_METER_OUTBOX`, default `.token-meter/usage.db`).
 *
 * What the environment lacks (a package, a disk) is told by `console.warn` and fails no call: usage waits
 * for it.
 *
 * @throws TypeError for an empty customer or what is no Ollama client;
 * ConfigError for an option that there is not.
 */
export const meter: Meter<OllamaClient> = zeroConfigMeter(ollamaProvider)

export { ollamaProvider }
export type { OllamaClient }
export * from '@token-meter/core'
