/**
 * Usage readers on Anthropic's wire JSON: pure functions, for gateways and other SDKs.
 * @module
 */
export { type AboutMessage, messagesUsage } from './usage/messages.ts'
export { type Attempt, Refusals } from './usage/refusals.ts'
export { StreamUsage } from './usage/stream-usage.ts'
export type { UsageReading } from '@token-meter/core/adapter'
