/**
 * Usage readers on OpenAI's wire JSON: pure functions, for gateways and other SDKs.
 * @module
 */
import type { Endpoint } from '@token-meter/core/wire'
export { audioUsage } from './usage/audio.ts'
export { chatCompletionsUsage } from './usage/chat-completions.ts'
export { embeddingsUsage } from './usage/embeddings.ts'
export { realtimeUsage } from './realtime/realtime-usage.ts'
export { imagesUsage } from './usage/images.ts'
export { responsesUsage } from './usage/responses.ts'
import { responsesEndpoint } from './endpoint/responses.ts'

/** How a response of the Responses API is read, whole or streamed: all of it, not its usage alone. */
export const responses: Endpoint = responsesEndpoint()
/** How a (chat) completion is read, whole or streamed. */
export { chatCompletions } from './endpoint/chat-completions.ts'
export type { UsageCounts } from '@token-meter/core/wire'
