import type { EstimatePolicy } from '../call/estimates.ts'
import { handleRejection } from '../lib/promises.ts'
import type { Tokenizer } from '../wire/token-estimate.ts'

/** More tokens than a text has bytes cannot be. */
const maxTokensPerCharacter = 4

/**
 * A tokenizer of the application that can do no harm: what it throws, and what cannot be a count,
 * is reported once and counts as having said nothing.
 */
export function guardedTokenizer(
  tokenizer: Tokenizer,
  onFault: (what: string, cause?: unknown) => void,
): NonNullable<EstimatePolicy['count']> {
  let reported = false
  const report = (what: string, cause?: unknown): undefined => {
    if (!reported) onFault(`${what}: estimates are heuristic instead`, cause)
    reported = true
  }
  Promise.resolve(tokenizer.ready).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : 'it gave no reason'
    report(`the tokenizer could not be made ready (${reason})`, cause)
  })

  return (text, model) => {
    try {
      const count: unknown = tokenizer.count(text, model)
      if (count === undefined) return undefined
      if (isPlausible(count, text)) return count
      if (handleRejection(count)) {
        return report('the tokenizer answered a promise, which no call can wait for')
      }
      return report(`the tokenizer answered ${describe(count)} for ${text.length} characters`)
    } catch (cause) {
      // Without the error's own text, which may quote the conversation.
      const name = cause instanceof Error ? cause.name : typeof cause
      return report(`the tokenizer threw (${name})`, cause)
    }
  }
}

function isPlausible(count: unknown, text: string): count is number {
  return typeof count === 'number' && count > 0 && count <= text.length * maxTokensPerCharacter
}

function describe(count: unknown): string {
  return typeof count === 'number' ? String(count) : `a value of type ${typeof count}`
}
