/**
 * Meters the clients of the `cohere-ai` package: `meter(new CohereClientV2({ token }), 'cus_123')`.
 * @module
 */
import { type Meter, zeroConfigMeter } from '@token-meter/core/adapter'
import type { CohereClient } from './sdk/cohere-client.ts'
import { cohereProvider } from './sdk/cohere-provider.ts'

/**
 * The same client, metered: every call it makes becomes usage of the customer, delivered to the
 * billing backends that the environment names (`STRIPE_RESTRICTED_KEY`, ...), through an outbox on
 * disk (`TOKEN_METER_OUTBOX`, default `.token-meter/usage.db`).
 *
 * What the environment lacks (a package, a disk) is told by `console.warn` and fails no call: usage waits
 * for it.
 *
 * @throws TypeError for an empty customer, what is no Cohere client, a client of cohere-ai for AWS
 * (`BedrockClient`, `SagemakerClient`) or of a version before 7.20;
 * ConfigError for an option that there is not.
 */
export const meter: Meter<CohereClient> = zeroConfigMeter(cohereProvider)

export { cohereProvider }
export type { CohereClient }
export * from '@token-meter/core'
