/**
 * Usage readers on OpenAI's wire JSON: pure functions, for gateways and other SDKs.
 * @module
 */
import type { Endpoint } from '@token-meter/core/wire'
export { audioUsage } from './wire/usage/audio.ts'
export { chatCompletionsUsage } from './wire/usage/chat-completions.ts'
export { embeddingsUsage } from './wire/usage/chat-completions.ts'
export { realtimeUsage } from './wire/usage/realtime.ts'
export { imagesUsage } from './wire/usage/images.ts'
export { responsesUsage } from './wire/usage/responses.ts'
import { responsesEndpoint } from './wire/responses.ts'

/** How a response of the Responses API is read, whole or streamed: all of it, not its usage alone. */
export const responses: Endpoint = responsesEndpoint()
/** How a (chat) completion is read, whole or streamed. */
export { chatCompletions } from './wire/chat-completions.ts'
export type { UsageCounts } from '@token-meter/core/wire'
