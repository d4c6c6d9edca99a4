/**
 * Usage readers on OpenAI's wire JSON: pure functions, for gateways and other SDKs.
 * @module
 */
export { audioUsage } from './usage/audio.ts'
export { chatCompletionsUsage } from './usage/chat-completions.ts'
export { embeddingsUsage } from './usage/embeddings.ts'
export { realtimeUsage } from './realtime/realtime-usage.ts'
export { imagesUsage } from './usage/images.ts'
export { responsesUsage } from './usage/responses.ts'
export type { UsageCounts } from '@token-meter/core/adapter'
