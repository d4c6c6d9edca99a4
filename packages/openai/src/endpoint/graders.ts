import { type Endpoint, jsonObject, noEstimate, type UsageReading } from '@token-meter/core/wire'
import { chatCompletionsUsage } from '../usage/chat-completions.ts'
import { responsesUsage } from '../usage/responses.ts'
import { unreadUsage } from '../usage/unread-usage.ts'

/**
 * `POST /fine_tuning/alpha/graders/run`. A grader that asks models answers usage for each; its shape
 * is not documented, so what has neither of the shapes of the other endpoints is reported.
 */
export const graders: Endpoint = {
  ...noEstimate,
  name: 'graders',
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
