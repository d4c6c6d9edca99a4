import type { CallBounds, InputBeyond } from './call-bounds.ts'
import type { Call } from './endpoint.ts'
import { InputWalk } from './input-walk.ts'

/** What an endpoint's own fields say of the most that one request of it can use. */
export interface RequestLimits {
  /** The cap on the output tokens of one answer as the request has it; what is no count is no cap. */
  readonly maxOutput?: unknown
  /** How many answers are asked for, as the request has it. @default 1 */
  readonly answers?: unknown
  /** What the model is given that only this endpoint's fields tell: what is false is not. */
  readonly beyond?: readonly (InputBeyond | false)[] | undefined
  /** It can make no output tokens. @default false */
  readonly noOutput?: boolean
  /** How long the work goes on that it starts, in ms. @default it ends with its answer */
  readonly jobForMs?: number | undefined
  /**
   * Fields that may hold a list of tokens, or lists of them, in place of text: each number is one token.
   * @default none
   */
  readonly tokens?: readonly string[]
  /** Tokens that the server adds to each request, beside those that any does. @default 0 */
  readonly added?: number
  /** Writes of the cache cost more than input, whether they are asked for or not. @default false */
  readonly cacheWrites?: boolean
}

/**
 * The most that a request can use. Every string of its body counts, whatever its field, with its UTF-8
 * bytes: no tokenizer makes more tokens of it, and a field that nobody knows here is text as well. What
 * can be read in no body is named by the fields that point to it. Never throws.
 *
 * @param body the fields that can be read without running a getter of the caller.
 * @param limits what the endpoint's own fields say, handed that body.
 */
export function requestBounds(
  body: Call['body'],
  limits: (fields: Call['body']) => RequestLimits,
): CallBounds {
  const walk = new InputWalk()
  let said: RequestLimits = {}
  let inputBytes = 0
  try {
    said = limits(body)
    for (const code of said.beyond ?? []) if (code !== false) walk.beyond.add(code)
    inputBytes = walk.body(body, said.tokens) + (said.added ?? 0)
  } catch {
    walk.beyond.add('unread')
  }
  const { noOutput = false, jobForMs } = said
  return {
    inputBytes,
    maxOutput: statedCount(said.maxOutput),
    answers: Math.max(statedCount(said.answers) ?? 1, 1),
    beyond: [...walk.beyond],
    cacheWrites: walk.cacheWrites || said.cacheWrites === true,
    noOutput,
    ...(jobForMs !== undefined && { jobForMs }),
  }
}

/** The bounds of what is billed by its media alone (an image, a page, a second), with no tokens known. */
export function mediaOf(body: Call['body'], limits: RequestLimits = {}): CallBounds {
  return requestBounds(body, () => ({
    ...limits,
    beyond: ['media', ...(limits.beyond ?? [])],
  }))
}

/**
 * The bounds of many requests that are sent in one: their sums. As answers of one size stand for all of
 * them, that size is their mean, and unknown where that of one is.
 *
 * @param jobForMs how long the batch goes on, in ms.
 */
export function batchOf(requests: readonly CallBounds[], jobForMs: number): CallBounds {
  const answers = requests.reduce((sum, each) => sum + each.answers, 0)
  const output = requests.reduce<number | undefined>(
    (sum, { noOutput, maxOutput, answers: times }) => {
      const most = noOutput ? 0 : maxOutput
      return sum === undefined || most === undefined ? undefined : sum + most * times
    },
    0,
  )
  return {
    inputBytes: requests.reduce((sum, each) => sum + each.inputBytes, 0),
    maxOutput: output && Math.ceil(output / answers),
    answers: Math.max(answers, 1),
    // Where the requests are is not in the body either.
    beyond:
      requests.length === 0 ? ['file'] : [...new Set(requests.flatMap((each) => each.beyond))],
    cacheWrites: requests.some((each) => each.cacheWrites),
    noOutput: requests.length > 0 && requests.every((each) => each.noOutput),
    jobForMs,
  }
}

/**
 * A count as a request states it, `undefined` for what is none. Servers in Python mostly read text as
 * the number that it has.
 */
export function statedCount(value: unknown): number | undefined {
  const isText = typeof value === 'string' && /^\s*\+?\d+(?:\.\d*)?\s*$/.test(value)
  const count = isText ? Number(value) : value
  if (typeof count !== 'number' || !Number.isFinite(count) || count < 0) return undefined
  return Math.ceil(count)
}
