import { type Endpoint, jsonObject, usageDetails } from '@token-meter/core/adapter'
import { normalisedUsage } from '../usage/normalised-usage.ts'
import { answeredModel, metadataOf, type ModelAnswer, wholeAnswer } from '../usage/model-answer.ts'

/** `doGenerate` of an image model: by tokens where the model has them, and by piece. */
export const imageModel: Endpoint = {
  name: 'imageModel',
  read(result, { provider }) {
    const answer = wholeAnswer(result)
    const { images } = jsonObject(result)
    const { tokens, problems } = normalisedUsage(answer, provider)
    const details = usageDetails({
      images: Array.isArray(images) ? images.length : undefined,
      imageInput: imageInput(answer),
    })
    // Models without tokens are billed by piece: that is no gap to estimate.
    const { input = 0, cachedInput = 0, cachedWrite = 0, output = 0 } = tokens
    return [
      {
        model: answeredModel(answer, provider),
        tokens: { input, cachedInput, cachedWrite, output },
        details,
        serviceTier: undefined,
        raw: answer.usage ?? undefined,
        problems,
      },
    ]
  },
  estimateInput: (body, estimate) => estimate.add(body.prompt),
  estimateOutput: () => {},
}

/** OpenAI's models say for each image how much of the input was images, which have their own price. */
function imageInput(answer: ModelAnswer): number {
  let sum = 0
  for (const { images } of metadataOf(answer)) {
    for (const image of Array.isArray(images) ? images : []) {
      const { imageTokens } = jsonObject(image)
      if (Number.isSafeInteger(imageTokens) && Number(imageTokens) > 0) sum += Number(imageTokens)
    }
  }
  return sum
}
