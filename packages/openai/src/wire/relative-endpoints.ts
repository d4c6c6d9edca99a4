import {
  countReader,
  type Endpoint,
  isErrorAnswer,
  jsonObject,
  noEstimate,
  noTokens,
  statedCost,
  text,
  unknownUsage,
  usageDetails,
} from '@token-meter/core/wire'
import { rerankBounds, searchBounds } from './bounds.ts'
import { embeddingsUsage } from './usage/chat-completions.ts'

/** `POST /rerank`: what was ranked is input, and nothing is written. Some bill search units. */
export const rerank: Endpoint = {
  ...noEstimate,
  name: 'rerank',
  bounds: rerankBounds,
  read(response, { provider }) {
    if (isErrorAnswer(response, 'usage', ['results', 'data'])) return []
    const { id, model, usage } = jsonObject(response)
    const reading = { ...unknownUsage(text(model)), responseId: text(id) }
    // Nothing is put out, whether the answer says so or not.
    const unread = { ...reading, tokens: { ...reading.tokens, output: 0 } }
    if (usage === undefined || usage === null) return [unread]
    const counts = embeddingsUsage(usage, provider)
    const problems = [...counts.problems]
    const searchUnits = countReader(problems)(jsonObject(usage).search_units, 'search_units')
    const tokens = searchUnits && counts.tokens.input === undefined ? noTokens : counts.tokens
    const details = { ...counts.details, ...usageDetails({ searchUnits }) }
    return [{ ...reading, tokens, details, problems, raw: usage }]
  },
  estimateInput: (body, estimate) => estimate.addStrings([body.query, body.documents]),
}

/**
 * `POST /search` of Perplexity, which bills the request and not what it finds:
 * https://docs.perplexity.ai/getting-started/pricing
 */
export const search: Endpoint = {
  ...noEstimate,
  name: 'search',
  bounds: searchBounds,
  read(response, { provider }) {
    if (isErrorAnswer(response, 'usage', ['results'])) return []
    const { id, usage } = jsonObject(response)
    const details = { webSearchRequests: 1, ...statedCost(jsonObject(usage), provider) }
    const reading = { ...unknownUsage(), tokens: noTokens, details, responseId: text(id) }
    return [{ ...reading, raw: usage ?? undefined }]
  },
}
