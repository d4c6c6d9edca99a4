/**
 * Readers of Google's usage objects: pure functions, for gateways and other SDKs.
 * @module
 */
import type { Endpoint } from '@token-meter/core/wire'
export { generateContentUsage, servedTier } from './wire/usage/generate-content.ts'
export { interactionsUsage } from './wire/usage/interactions.ts'
export { embedContentUsage } from './wire/usage/embed-content.ts'
import { interactionsEndpoint } from './wire/interactions.ts'

/** How an interaction is read, whole or streamed: all of it, not its usage alone. */
export const interactions: Endpoint = interactionsEndpoint({
  bills: () => true,
  billsInterrupted: () => true,
})
/** How an answer of generateContent is read, whole or streamed. */
export { generateContent } from './wire/content.ts'
export type { UsageCounts } from '@token-meter/core/wire'
