import { type Endpoint, jsonObject, unknownUsage } from '@token-meter/core/wire'
import { embedBounds } from './bounds.ts'
import { isRefusal } from './content.ts'
import { embedContentUsage } from './usage/embed-content.ts'

/** `:embedContent`, `:batchEmbedContents`, and `:predict` of Vertex's text embeddings */
export const embedContent: Endpoint = {
  name: 'embedContent',
  bounds: embedBounds,
  read(response) {
    if (isRefusal(response)) return []
    const { usageMetadata, predictions, metadata } = jsonObject(response)
    const raw =
      usageMetadata ?? (Array.isArray(predictions) ? statistics(predictions, metadata) : undefined)
    return [{ ...unknownUsage(), ...embedContentUsage(response), raw: raw ?? undefined }]
  },
  estimateInput: (body, estimate) => {
    estimate.addStrings([body.content, body.contents, body.requests, body.instances])
  },
  estimateOutput(response, estimate) {
    const { embedding, embeddings, predictions } = jsonObject(response)
    if ([embedding, embeddings, predictions].some((each) => each)) estimate.addAnswer()
  },
}

/** Vertex's counts lie between the vectors, which are no usage. */
function statistics(predictions: readonly unknown[], metadata: unknown): object {
  const statistics = predictions.map((each) => jsonObject(jsonObject(each).embeddings).statistics)
  return { statistics, metadata }
}
