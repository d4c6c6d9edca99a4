import type { Provider } from '@token-meter/core/adapter'
import { type AiSdkClient, isModel, isModelFactory } from './ai-sdk-client.ts'
import { observeFactory } from './observe-factory.ts'
import { observeModel } from './observe-model.ts'

/** Meters models and providers of the AI SDK, for `createMeter({ providers: [aiSdkProvider] })`. */
export const aiSdkProvider: Provider<AiSdkClient> = {
  name: 'ai-sdk',
  clientDescription:
    "a model or provider object of the AI SDK (ai 5, 6 or 7; for a model id such as 'openai/gpt-5' " +
    "pass the model object: gateway('openai/gpt-5') or openai('gpt-5'))",
  recognises: (client): client is AiSdkClient => isModel(client) || isModelFactory(client),
  observe(client, observer, options) {
    return isModel(client)
      ? observeModel(client, observer, options)
      : observeFactory(client, observer, options)
  },
}
