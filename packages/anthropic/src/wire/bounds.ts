import {
  batchOf,
  type Call,
  type CallBounds,
  jsonObject,
  requestBounds,
  statedCount,
} from '@token-meter/core/wire'

/** The most that a message can use. */
export function messageBounds(body: Call['body']): CallBounds {
  return requestBounds(body, ({ max_tokens: cap, thinking, ...fields }) => ({
    maxOutput: withThinking(cap, jsonObject(thinking).budget_tokens),
    beyond: [
      // It reads the conversation once more, and writes what it makes of it beside the answer.
      compacts(fields.context_management) && 'server_tool',
      // Each model that refuses is billed for what it has read.
      Array.isArray(fields.fallbacks) && fields.fallbacks.length > 0 && 'unknown',
    ],
  }))
}

/**
 * Thinking is under the cap, but where it goes on between the calls of tools: then its budget may be larger
 * than the cap, and is no part of it.
 * https://platform.claude.com/docs/en/build-with-claude/extended-thinking#interleaved-thinking
 */
function withThinking(stated: unknown, ofThinking: unknown): number | undefined {
  const cap = statedCount(stated)
  const budget = statedCount(ofThinking)
  return cap === undefined || budget === undefined || budget < cap ? cap : cap + budget
}

function compacts(management: unknown): boolean {
  const { edits } = jsonObject(management)
  const isCompaction = (edit: unknown) => String(jsonObject(edit).type).startsWith('compact')
  return Array.isArray(edits) && edits.some(isCompaction)
}

/** The most that a completion of the legacy form can use. */
export function completionBounds(body: Call['body']): CallBounds {
  return requestBounds(body, ({ max_tokens_to_sample: cap }) => ({ maxOutput: cap }))
}

const dayMs = 24 * 60 * 60 * 1000

/** The most that the requests of a batch can use, which has a day for them. */
export function batchBounds({ requests }: Call['body']): CallBounds {
  const all = Array.isArray(requests) ? requests : []
  return batchOf(
    all.map((request: unknown) => messageBounds(jsonObject(jsonObject(request).params))),
    dayMs,
  )
}
