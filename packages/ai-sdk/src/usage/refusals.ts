import { Refusals } from '@token-meter/anthropic/usage'
import { jsonObject } from '@token-meter/core/wire'

/** Finish reasons of the AI SDK, and of the providers behind it, that mean a refusal. */
const refusalReasons = new Set<unknown>(['content-filter', 'content_filter', 'refusal'])

/** What a whole answer says of refusals: by the provider's own response where that is at hand. */
export function refusalsOf(result: unknown, provider: string): Refusals {
  const { response, content, finishReason, providerMetadata } = jsonObject(result)
  const { body } = jsonObject(response)
  if (jsonObject(body).stop_reason !== undefined) return Refusals.of(body, provider)
  const refusals = new Refusals(provider)
  for (const part of Array.isArray(content) ? content : []) refusals.seeBlock(asBlock(part))
  seeFinish(refusals, { finishReason, providerMetadata })
  return refusals
}

/** The end of an answer, with the reason as V2 (a text) or later ones (`{ unified, raw }`) give it. */
export function seeFinish(
  refusals: Refusals,
  { finishReason, providerMetadata }: { finishReason?: unknown; providerMetadata?: unknown },
): void {
  const { unified, raw } = jsonObject(finishReason)
  const isRefusal = [finishReason, unified, raw].some((reason) => refusalReasons.has(reason))
  const { stopDetails } = jsonObject(jsonObject(providerMetadata).anthropic)
  refusals.seeStop(isRefusal ? 'refusal' : undefined, stopDetails)
}

/**
 * A part of the content as a block of Anthropic's. Where another model took over is told by V4
 * alone, without the category.
 */
export function asBlock(part: unknown): unknown {
  const { kind, providerMetadata } = jsonObject(part)
  return kind === 'anthropic.fallback' ? jsonObject(providerMetadata).anthropic : part
}
