/**
 * Usage readers on Anthropic's wire JSON: pure functions, for gateways and other SDKs.
 * @module
 */
export { type AboutMessage, messagesUsage } from './wire/usage/messages.ts'
export { type Attempt, Refusals } from './wire/usage/refusals.ts'
export { StreamUsage } from './wire/usage/stream-usage.ts'
/** How a message is read, whole or streamed: all of it, not its usage alone. */
export { messages, readMessage } from './wire/messages.ts'
export type { UsageReading } from '@token-meter/core/wire'
