/**
 * OpenAI's wire format, without the SDK or a meter: which request costs something and how its answer
 * says what it used. For gateways, wrappers of `fetch`, and providers whose servers speak it.
 * @module
 */
export { openaiWire } from './wire/protocol.ts'
export { chatCompletions, readChat } from './wire/chat-completions.ts'
export type { ChatContext } from './wire/chat-reading.ts'
export { includeUsage, type StreamRequest } from './wire/include-usage.ts'
export { embeddings } from './wire/other-endpoints.ts'
export { responsesEndpoint, type ResponseWatch } from './wire/responses.ts'
export { transcriptions } from './wire/audio.ts'
