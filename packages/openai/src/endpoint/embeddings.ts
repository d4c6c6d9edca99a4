import { type Endpoint, jsonObject, text, unknownUsage } from '@token-meter/core/wire'
import { embeddingsUsage } from '../usage/embeddings.ts'
import { isRefusal } from './refusal.ts'
import { addTextOrTokens } from './text-or-tokens.ts'

/** `POST /embeddings` */
export const embeddings: Endpoint = {
  name: 'embeddings',
  read(response, { provider }) {
    if (isRefusal(response)) return []
    const { id, model, usage } = jsonObject(response)
    const reading = { ...unknownUsage(text(model)), ...embeddingsUsage(usage, provider) }
    return [{ ...reading, responseId: text(id), raw: usage ?? undefined }]
  },
  estimateInput: (body, estimate) => addTextOrTokens(body.input, estimate),
  estimateOutput(response, estimate) {
    const { data } = jsonObject(response)
    if (Array.isArray(data) && data.length > 0) estimate.addAnswer()
  },
}
