import { classifyFailure, isRefusal } from './classify-failure.ts'
import type { EventRetry } from '@token-meter/core/sink'

/** What can be asked of Lago about a name: throws a 404 of Lago's for one that it does not have. */
export interface NameQuestion {
  /** For people: `billable metric with the code`. */
  readonly what: string
  /** The code that Lago's 404 has: `billable_metric_not_found`. */
  readonly notFound: string
  readonly ask: (name: string, signal: AbortSignal) => Promise<unknown>
  /** What to do where there is none. */
  readonly fix: string
  /** The option that turns this off. */
  readonly option: string
}

/**
 * Asks Lago about each name once. What there is, is remembered for ever; what there is not, is asked
 * for again with the next attempt.
 */
export interface KnownNames {
  /** Why what has this name is not to be sent now; `undefined` when it is. */
  problemOf(name: string, signal: AbortSignal): Promise<NameProblem | undefined>
}

export interface NameProblem {
  readonly retry: EventRetry
  /** Lago could not be asked, so that nothing else need be tried now. */
  readonly isOutage: boolean
}

const askAgainMs = 60_000
/** Of subscriptions there may be more than are worth remembering. */
const mostKnown = 100_000

export function createKnownNames(
  question: NameQuestion,
  onWarning: (message: string) => void,
): KnownNames {
  const known = new Set<string>()
  let isOff = false

  async function problemOf(name: string, signal: AbortSignal): Promise<NameProblem | undefined> {
    if (isOff || known.has(name)) return undefined
    try {
      await question.ask(name, signal)
      if (known.size >= mostKnown) known.clear()
      known.add(name)
      return undefined
    } catch (error) {
      return meaningOf(error, name)
    }
  }

  function meaningOf(error: unknown, name: string): NameProblem | undefined {
    const { what, notFound, fix, option } = question
    if (isRefusal(error)) {
      const { status, error: body } = error
      if (status === 404 && (body as { code?: unknown } | null)?.code === notFound) {
        const reason = `Lago has no ${what} "${name}", and would take its events and not bill them: ${fix}; the usage is kept and sent then`
        const retry: EventRetry = { status: 'retry', reason, afterMs: askAgainMs, recordOnly: true }
        return { retry, isOutage: false }
      }
      if (status === 403) {
        // Several sends may ask at the same time.
        if (isOff) return undefined
        isOff = true
        onWarning(
          `@token-meter/lago could not ask Lago whether there is a ${what} "${name}", because the API key may not read that: give it the permission, or set ${option}: false`,
        )
        return undefined
      }
      // A proxy that lets only events through, or a wrong address: the events will tell.
      if (status < 500 && status !== 401 && status !== 429) return undefined
    }
    const outcome = classifyFailure(error, 0, Date.now())
    if (outcome.is !== 'failed') return undefined
    // A question changes nothing.
    const { uncertain: _, ...retry } = outcome.retry
    return { retry, isOutage: true }
  }

  return { problemOf }
}
