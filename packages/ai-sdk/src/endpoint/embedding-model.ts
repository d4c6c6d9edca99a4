import { countReader, type Endpoint, jsonObject, type UsageCounts } from '@token-meter/core/adapter'
import { embedContentUsage } from '@token-meter/google/usage'
import { embeddingsUsage } from '@token-meter/openai/usage'
import { answeredModel, type ModelAnswer, wholeAnswer } from '../usage/model-answer.ts'

/** `doEmbed`: input only. */
export const embeddingModel: Endpoint = {
  name: 'embeddingModel',
  read(result, { provider }) {
    const answer = wholeAnswer(result)
    const { usage, usageMetadata } = jsonObject(answer.body)
    const raw = usage ?? usageMetadata ?? answer.usage ?? undefined
    const model = answeredModel(answer, provider)
    return [{ ...embeddingCounts(answer), model, serviceTier: undefined, raw }]
  },
  estimateInput: (body, estimate) => estimate.addStrings(body.values),
  estimateOutput: () => {},
}

function embeddingCounts(answer: ModelAnswer): UsageCounts {
  const { usage } = jsonObject(answer.body)
  if (jsonObject(usage).prompt_tokens !== undefined) return embeddingsUsage(usage)
  const problems: string[] = []
  const input = countReader(problems)(jsonObject(answer.usage), 'tokens')
  // Google's models drop the usage that the response has.
  if (input === undefined && problems.length === 0) return embedContentUsage(answer.body)
  return { tokens: { input, cachedInput: 0, cachedWrite: 0, output: 0 }, details: {}, problems }
}
