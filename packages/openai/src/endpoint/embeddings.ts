import { type Endpoint, jsonObject, text, unknownUsage } from '@token-meter/core/adapter'
import { embeddingsUsage } from '../usage/embeddings.ts'
import { isRefusal } from './refusal.ts'

/** `POST /embeddings` */
export const embeddings: Endpoint = {
  name: 'embeddings',
  read(response) {
    if (isRefusal(response)) return []
    const { model, usage } = jsonObject(response)
    const reading = { ...unknownUsage(text(model)), ...embeddingsUsage(usage) }
    return [{ ...reading, raw: usage ?? undefined }]
  },
  estimateInput: (body, estimate) => estimate.addStrings(body.input),
  estimateOutput: () => {},
}
