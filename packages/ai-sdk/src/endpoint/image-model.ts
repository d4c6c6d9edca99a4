import {
  type Endpoint,
  jsonObject,
  type UsageDetails,
  usageDetails,
  type UsageReading,
} from '@token-meter/core/wire'
import { imagesUsage } from '@token-meter/openai/usage'
import { answeredModel, metadataOf, type ModelAnswer, wholeAnswer } from '../usage/answer.ts'
import { withStatedCost } from '../usage/metadata-cost.ts'
import { normalisedUsage } from '../usage/normalised-usage.ts'
import { imageBounds } from './bounds.ts'

/** `doGenerate` of an image model: by tokens where the model has them, and by piece. */
export const imageModel: Endpoint = {
  name: 'imageModel',
  bounds: imageBounds,
  read(result, { provider, body }) {
    const answer = wholeAnswer(result)
    const { images } = jsonObject(result)
    const { tokens, problems } = normalisedUsage(answer, provider)
    const pieces = usageDetails({ images: Array.isArray(images) ? images.length : undefined })
    const details = { ...pieces, ...imageDetails(answer, tokens, body.files) }
    // Models without tokens are billed by piece: that is no gap to estimate.
    const { input = 0, cachedInput = 0, cachedWrite = 0, output = 0 } = tokens
    return [
      withStatedCost(
        {
          model: answeredModel(answer, provider),
          tokens: { input, cachedInput, cachedWrite, output },
          details,
          serviceTier: undefined,
          raw: answer.usage ?? undefined,
          problems,
        },
        answer,
      ),
    ]
  },
  estimateInput: (body, estimate) => estimate.add(body.prompt),
  estimateOutput: () => {},
}

/** What of the tokens is images, by the reader of OpenAI's Images API. */
function imageDetails(
  answer: ModelAnswer,
  { input, cachedInput = 0, cachedWrite = 0, output }: UsageReading['tokens'],
  files: unknown,
): UsageDetails {
  const whole = input === undefined ? undefined : input + cachedInput + cachedWrite
  if (!whole && !output) return {}
  const { reasoning } = normalisedReasoning(answer)
  const task = Array.isArray(files) && files.length > 0 ? 'edit' : 'generation'
  const usage = {
    input_tokens: whole,
    input_tokens_details: inputDetails(answer),
    output_tokens: output,
    output_tokens_details: reasoning === undefined ? undefined : { reasoning_tokens: reasoning },
  }
  return imagesUsage(usage, undefined, task).details
}

function normalisedReasoning({ usage }: ModelAnswer): { readonly reasoning: number | undefined } {
  const { reasoning } = jsonObject(jsonObject(usage).outputTokens)
  return { reasoning: typeof reasoning === 'number' ? reasoning : undefined }
}

/** OpenAI's models say for each image how much of the input was images, which have their own price. */
function inputDetails(answer: ModelAnswer): object | undefined {
  const sums: { image_tokens?: number; text_tokens?: number } = {}
  for (const { images } of metadataOf(answer)) {
    for (const image of Array.isArray(images) ? images : []) {
      const { imageTokens, textTokens } = jsonObject(image)
      if (isCount(imageTokens)) sums.image_tokens = (sums.image_tokens ?? 0) + imageTokens
      if (isCount(textTokens)) sums.text_tokens = (sums.text_tokens ?? 0) + textTokens
    }
  }
  return Object.keys(sums).length === 0 ? undefined : sums
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
