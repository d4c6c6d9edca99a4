/**
 * Readers of Google's usage objects: pure functions, for gateways and other SDKs.
 * @module
 */
import type { Endpoint } from '@token-meter/core/wire'
export { generateContentUsage, servedTier } from './usage/generate-content.ts'
export { interactionsUsage } from './usage/interactions.ts'
export { embedContentUsage } from './usage/embed-content.ts'
import { interactionsEndpoint } from './endpoint/interactions.ts'

/** How an interaction is read, whole or streamed: all of it, not its usage alone. */
export const interactions: Endpoint = interactionsEndpoint({
  bills: () => true,
  billsInterrupted: () => true,
})
/** How an answer of generateContent is read, whole or streamed. */
export { generateContent } from './endpoint/generate-content.ts'
export type { UsageCounts } from '@token-meter/core/wire'
