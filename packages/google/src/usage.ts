/**
 * Readers of Google's usage objects: pure functions, for gateways and other SDKs.
 * @module
 */
export { generateContentUsage, servedTier } from './usage/generate-content.ts'
export { interactionsUsage } from './usage/interactions.ts'
export { embedContentUsage } from './usage/embed-content.ts'
export type { UsageCounts } from '@token-meter/core/adapter'
