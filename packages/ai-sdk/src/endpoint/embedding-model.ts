import {
  countReader,
  type Endpoint,
  isStated,
  jsonObject,
  type UsageCounts,
} from '@token-meter/core/wire'
import { embedContentUsage } from '@token-meter/google/usage'
import { embeddingsUsage } from '@token-meter/openai/usage'
import { answeredModel, type ModelAnswer, wholeAnswer } from '../usage/answer.ts'
import { withStatedCost } from '../usage/metadata-cost.ts'
import { embeddingBounds } from './bounds.ts'

/** `doEmbed`: input only. */
export const embeddingModel: Endpoint = {
  name: 'embeddingModel',
  bounds: embeddingBounds,
  read(result, { provider }) {
    const answer = wholeAnswer(result)
    const { usage, usageMetadata } = jsonObject(answer.body)
    const raw = usage ?? usageMetadata ?? answer.usage ?? undefined
    const model = answeredModel(answer, provider)
    const counts = embeddingCounts(answer, provider)
    return [withStatedCost({ ...counts, model, serviceTier: undefined, raw }, answer)]
  },
  estimateInput: (body, estimate) => estimate.addStrings(body.values),
  estimateOutput(result, estimate) {
    const { embeddings } = jsonObject(result)
    if (Array.isArray(embeddings) && embeddings.length > 0) estimate.addAnswer()
  },
}

function embeddingCounts(answer: ModelAnswer, provider: string): UsageCounts {
  const { usage } = jsonObject(answer.body)
  const received = jsonObject(usage)
  // A zero beside the AI SDK's own count says nothing.
  if (received.prompt_tokens !== undefined && (isStated(received) || !isStated(answer.usage))) {
    return embeddingsUsage(usage, provider)
  }
  const problems: string[] = []
  const input = countReader(problems)(jsonObject(answer.usage), 'tokens')
  // Google's models drop the usage that the response has.
  if (!input && problems.length === 0) {
    const { tokens, ...counts } = embedContentUsage(answer.body)
    return { ...counts, tokens: { ...tokens, input: tokens.input ?? input } }
  }
  return { tokens: { input, cachedInput: 0, cachedWrite: 0, output: 0 }, details: {}, problems }
}
