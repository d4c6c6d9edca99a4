/**
 * Google's wire format, of the Gemini API and Vertex AI, without the SDK or a meter: which request
 * costs something and how its answer says what it used. For gateways and wrappers of `fetch`.
 * @module
 */
export { googleWire } from './wire/protocol.ts'
export { generateContent } from './wire/content.ts'
export { embedContent } from './wire/embed.ts'
export { interactionsEndpoint, type InteractionWatch } from './wire/interactions.ts'
export { live } from './wire/live.ts'
