import { type Endpoint, jsonObject, text, unknownUsage } from '@token-meter/core/wire'
import { responsesUsage } from '../usage/responses.ts'
import { isRefusal } from './refusal.ts'

/** `POST /decisions` */
export const decisions: Endpoint = {
  name: 'decisions',
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
