/**
 * Meters the models of the AI SDK (`ai` 5, 6 and 7): `meter(openai('gpt-5.4'), 'cus_123')`.
 * @module
 */
export { meter } from './meter.ts'
export { aiSdkProvider } from './model/ai-sdk-provider.ts'
export { meterMiddleware, type MeterMiddleware, type MeterMiddlewareOptions } from './meter.ts'
export type { AiSdkClient, AiSdkModel, AiSdkModelFactory } from './model/ai-sdk-client.ts'
export * from '@token-meter/core'
