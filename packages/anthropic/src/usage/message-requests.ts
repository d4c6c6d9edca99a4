import { jsonObject, type RequestUsage, tokenTypes, type UsageCounts } from '@token-meter/core/wire'
import { messageCounts } from './message-counts.ts'

type Json = Readonly<Record<string, unknown>>

/** Of how many requests a usage is the sum, and what each used where that is known. */
interface Requests {
  readonly requests?: number | null
  readonly parts?: readonly RequestUsage[]
}

/**
 * The requests of a message: each time that Anthropic asked the model by itself, between the runs of
 * its tools and to compact the conversation. The price of a long context is by each of them.
 *
 * @param own the iterations of the model that answered.
 * @param counts what they are together.
 */
export function messageRequests(usage: Json, own: readonly Json[], counts: UsageCounts): Requests {
  const parts = own.map(messageCounts).flatMap(({ tokens, details }): readonly RequestUsage[] => {
    const { input, cachedInput = 0, cachedWrite = 0, output } = tokens
    if (input === undefined || output === undefined) return []
    return [{ tokens: { input, cachedInput, cachedWrite, output }, details }]
  })
  const isWhole = tokenTypes.every(
    ({ count }) =>
      parts.reduce((sum, part) => sum + part.tokens[count], 0) === (counts.tokens[count] ?? 0),
  )
  if (parts.length > 0 && isWhole)
    return parts.length === 1 ? {} : { requests: parts.length, parts }
  if (own.length > 1) return { requests: own.length }
  const ranTools = Object.values(jsonObject(usage.server_tool_use)).some(Boolean)
  return ranTools ? { requests: null } : {}
}
