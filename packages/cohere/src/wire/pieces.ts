import {
  type Call,
  type Endpoint,
  jsonObject,
  noEstimate,
  text,
  type TokenEstimate,
  unknownUsage,
} from '@token-meter/core/wire'
import { embedBounds, pieceBounds } from './bounds.ts'
import { isErrorBody } from './chat.ts'
import { billedUsage, usageOfMeta } from './usage.ts'

/** `POST /v2/embed` and `/v1/embed`: text by its tokens, images by their tokens or by the piece. */
export const embed: Endpoint = {
  name: 'embed',
  bounds: embedBounds,
  read(response) {
    if (isErrorBody(response)) return []
    const { id, meta } = jsonObject(response)
    const usage = usageOfMeta(meta)
    const unknown = unknownUsage()
    // It never writes any: what is not known is the input alone.
    const found = { ...unknown, tokens: { ...unknown.tokens, output: 0 }, responseId: text(id) }
    return [usage === undefined ? found : { ...found, ...billedUsage(usage, 'input'), raw: usage }]
  },
  estimateInput: (body: Call['body'], estimate: TokenEstimate) =>
    estimate.addStrings([body.texts, body.inputs]),
  estimateOutput(response, estimate) {
    if (jsonObject(response).embeddings !== undefined) estimate.addAnswer()
  },
}

/** What is billed by the piece: an answer without its pieces is reported, and makes no record. */
function byPieces(name: string): Endpoint {
  return {
    ...noEstimate,
    name,
    bounds: pieceBounds,
    read(response) {
      if (isErrorBody(response)) return []
      const { id, meta } = jsonObject(response)
      const usage = usageOfMeta(meta)
      const found = { ...unknownUsage(), ...billedUsage(usage, 'pieces'), responseId: text(id) }
      return [usage === undefined ? found : { ...found, raw: usage }]
    },
  }
}

/** `POST /v2/rerank` and `/v1/rerank`, by the search unit. */
export const rerank = byPieces('rerank')

/** `POST /v1/classify`, by the text that was classified. */
export const classify = byPieces('classify')

/** `POST /v2/parse`, by the page. */
export const parse = byPieces('parse')
