import { type Endpoint, jsonObject, noEstimate, text, unknownUsage } from '@token-meter/core/wire'
import { embedBounds, questionBounds } from './bounds.ts'
import { isRefusal } from './generate.ts'
import { embedUsage, hasCounts, metricsOf, systemOneUsage } from './usage.ts'

/** `POST /api/embed` */
export const embed: Endpoint = {
  name: 'embed',
  bounds: embedBounds,
  read(response) {
    const { model, embedding, embeddings } = jsonObject(response)
    if (isRefusal(response) || (embedding ?? embeddings) === undefined) return []
    const usage = metricsOf(response)
    // Nothing was embedded: the model is loaded, or let go of.
    if (Array.isArray(embeddings) && embeddings.length === 0 && !hasCounts(usage)) return []
    const unknown = unknownUsage(text(model))
    // It never writes any: what is not known is the input alone.
    const found = { ...unknown, tokens: { ...unknown.tokens, output: 0 } }
    return [usage === undefined ? found : { ...found, ...embedUsage(usage), raw: usage }]
  },
  estimateInput: (body, estimate) => estimate.addStrings([body.input]),
  estimateOutput: (_, estimate) => estimate.addAnswer(),
}

/** `POST /api/embeddings`, which `/api/embed` has replaced: it does not say what it used. */
export const embeddings: Endpoint = {
  ...embed,
  name: 'embeddings',
  estimateInput: (body, estimate) => estimate.addStrings([body.prompt]),
}

/** `POST /v1/systemone`: questions to a model that answers with probabilities. */
export const systemOne: Endpoint = {
  ...noEstimate,
  name: 'systemone',
  bounds: questionBounds,
  read(response) {
    const { model, usage, answers } = jsonObject(response)
    if (isRefusal(response) || (usage ?? answers) === undefined) return []
    const found = unknownUsage(text(model))
    if (usage === undefined || usage === null) return [found]
    return [{ ...found, ...systemOneUsage(usage), raw: usage }]
  },
  estimateInput: (body, estimate) => estimate.addStrings([body.state, body.questions]),
}
