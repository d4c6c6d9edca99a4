import {
  type Endpoint,
  type UsageReading,
  jsonObject,
  noEstimate,
  text,
  unknownUsage,
} from '@token-meter/core/wire'
import { chatCompletionsUsage, embeddingsUsage } from './usage/chat-completions.ts'
import { isRefusal, unreadUsage } from './any-answer.ts'
import { decisionBounds, graderBounds, inputBounds } from './bounds.ts'
import { addTextOrTokens } from './chat-completions.ts'
import { responsesUsage } from './usage/responses.ts'

/** `POST /embeddings` */
export const embeddings: Endpoint = {
  name: 'embeddings',
  inputs: ['input', 'inputs', 'texts', 'messages'],
  bounds: inputBounds,
  read(response, { provider }) {
    if (isRefusal(response)) return []
    const { id, model, usage } = jsonObject(response)
    const reading = { ...unknownUsage(text(model)), ...embeddingsUsage(usage, provider) }
    return [{ ...reading, responseId: text(id), raw: usage ?? undefined }]
  },
  estimateInput: (body, estimate) => addTextOrTokens(body.input, estimate),
  estimateOutput(response, estimate) {
    const { data } = jsonObject(response)
    const vectors = Array.isArray(data) ? data : []
    if (vectors.some((each) => jsonObject(each).embedding !== undefined)) estimate.addAnswer()
  },
}

/** `POST /decisions` */
export const decisions: Endpoint = {
  name: 'decisions',
  bounds: decisionBounds,
  read(response, { provider }) {
    if (isRefusal(response)) return []
    const { id, model, usage, service_tier: serviceTier } = jsonObject(response)
    const reading = { ...unknownUsage(text(model), text(serviceTier)), responseId: text(id) }
    if (usage === undefined || usage === null) return [reading]
    return [{ ...reading, ...responsesUsage(usage, provider), raw: usage }]
  },
  estimateInput: (body, estimate) => estimate.addStrings([body.input, body.questions]),
  estimateOutput: (response, estimate) => estimate.addStrings(jsonObject(response).answers),
}

/**
 * `POST /fine_tuning/alpha/graders/run`. A grader that asks models answers usage for each; its shape
 * is not documented, so what has neither of the shapes of the other endpoints is reported.
 */
export const graders: Endpoint = {
  ...noEstimate,
  name: 'graders',
  bounds: graderBounds,
  read(response, { provider }) {
    const usages = jsonObject(jsonObject(response).model_grader_token_usage_per_model)
    return Object.entries(usages).map(([model, usage]): UsageReading => {
      const fields = jsonObject(usage)
      const readUsage = fields.prompt_tokens === undefined ? responsesUsage : chatCompletionsUsage
      const counts = readUsage(usage, provider, 'sum')
      const { input, output } = counts.tokens
      if (input === undefined || output === undefined) {
        return unreadUsage(model, 'the usage of a grader has a shape that is not known')
      }
      // Of all of the graders that ask the model.
      return { ...counts, requests: null, model, serviceTier: undefined, raw: usage }
    })
  },
}
