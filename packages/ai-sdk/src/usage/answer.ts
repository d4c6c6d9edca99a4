import type { Refusals } from '@token-meter/anthropic/usage'
import { type HttpHeaders, jsonObject, parsedJson, text } from '@token-meter/core/wire'
import { httpHeaders } from '@token-meter/core/adapter'

/** What a model's answer, or the end of its stream, says about what it used. */
export interface ModelAnswer {
  readonly usage: unknown
  readonly providerMetadata: unknown
  /** The provider's own response, which only whole answers carry. */
  readonly body: unknown
  /** The model as the answer names it. */
  readonly modelId: unknown
  /** What was refused of it, where a language model answered. */
  readonly refusals?: Refusals
  /** The provider's id of the response. */
  readonly responseId?: unknown
  readonly headers?: HttpHeaders | undefined
}

type Fields = Readonly<Record<string, unknown>>

const noFields: readonly Fields[] = []

/** The answer of `doGenerate`, `doEmbed`, ... */
export function wholeAnswer(result: unknown): ModelAnswer {
  const { usage, providerMetadata, response } = jsonObject(result)
  const { body, modelId, id, headers } = jsonObject(response)
  const { id: ofBody, responseId } = jsonObject(body)
  return {
    usage,
    providerMetadata,
    body,
    modelId,
    responseId: id ?? ofBody ?? responseId,
    headers: httpHeaders(headers),
  }
}

/** The metadata of each provider: `{ openai: {...}, gateway: {...} }`. */
export function metadataOf({ providerMetadata }: ModelAnswer): readonly Fields[] {
  if (providerMetadata === undefined) return noFields
  return Object.values(jsonObject(providerMetadata)).map(jsonObject)
}

/** The model that answered; a gateway's name of it is the one that was asked for. */
export function answeredModel(answer: ModelAnswer, provider: string): string | undefined {
  const body = jsonObject(answer.body)
  const model = text(answer.modelId) ?? text(body.model) ?? text(body.modelVersion)
  if (provider === 'vercel' && model?.includes('/') !== true) return undefined
  return model
}

/** The tier that the provider says it billed. */
export function serviceTier(answer: ModelAnswer, raw: Fields): string | undefined {
  const tier = tierIn(raw) ?? tierIn(jsonObject(answer.body))
  if (tier !== undefined) return tier
  for (const fields of metadataOf(answer)) {
    const found = tierIn(fields)
    if (found !== undefined) return found
  }
  return undefined
}

function tierIn(fields: Fields): string | undefined {
  return text(fields.service_tier) ?? text(fields.serviceTier) ?? text(fields.trafficType)
}

/**
 * What a call's error says of the answer behind it: an answer that came with a good status and
 * could not be read was generated, and is owed. `undefined` where nothing was answered; a body
 * where the error carries one that is JSON.
 */
export function answeredError(error: unknown): { readonly body: unknown } | undefined {
  const { statusCode, responseBody } = jsonObject(error)
  if (typeof statusCode !== 'number' || statusCode < 200 || statusCode > 299) return undefined
  if (typeof responseBody !== 'string') return { body: undefined }
  return { body: parsedJson(responseBody) }
}
