/**
 * Anthropic's wire format, without the SDK or a meter: which request costs something and how its
 * answer says what it used. For gateways and wrappers of `fetch`.
 * @module
 */
export { anthropicWire } from './wire/protocol.ts'
export { completions } from './wire/completions.ts'
export { messages, readMessage } from './wire/messages.ts'
