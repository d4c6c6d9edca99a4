/**
 * Meters the clients of the `@aws-sdk/client-bedrock-runtime` package:
 * `meter(new BedrockRuntimeClient({}), 'cus_123')`.
 * @module
 */
import { type Meter, zeroConfigMeter } from '@token-meter/core/adapter'
import type { BedrockClient } from './sdk/bedrock-client.ts'
import { bedrockProvider } from './sdk/bedrock-provider.ts'

/**
 * The same client, metered: every call it makes becomes usage of the customer, delivered to the
 * billing backends that the environment names (`STRIPE_RESTRICTED_KEY`, ...), through an outbox on
 * disk (`TOKEN_METER_OUTBOX`, default `.token-meter/usage.db`).
 *
 * What the environment lacks (a package, a disk) is told by `console.warn` and fails no call: usage waits
 * for it.
 *
 * @throws TypeError for an empty customer or what is no Bedrock client;
 * ConfigError for an option that there is not.
 */
export const meter: Meter<BedrockClient> = zeroConfigMeter(bedrockProvider)

export { bedrockProvider, createBedrockProvider } from './sdk/bedrock-provider.ts'
export type { BedrockOptions } from './sdk/bedrock-observation.ts'
export type { BedrockClient }
export * from '@token-meter/core'
