/**
 * Lago takes events of any code and any subscription, and ignores those that it does not know. So it is
 * asked about each name once: what there is, is remembered for ever; what there is not, is asked for
 * again with the next attempt.
 */
import { requestWithin, type EventRetry } from '@token-meter/core/sink'
import { isRefusal, outcomeOf } from './ingest.ts'
import type { LagoClient, LagoRequestParams } from './lago-client.ts'
import type { LagoEvent } from './lago-events.ts'
import type { LagoSinkSettings } from './options.ts'

/** Says which events Lago would take and not bill, because of a name that it does not have. */
export interface CheckedNames {
  /** Why events are not to be sent now, by `transaction_id`; those that are not there can be. */
  problemsOf(
    events: readonly LagoEvent[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, EventRetry>>
}

export function createCheckedNames(client: LagoClient, settings: LagoSinkSettings): CheckedNames {
  const { onWarning } = settings
  const checks: { readonly of: 'code' | 'external_subscription_id'; readonly names: KnownNames }[] =
    []
  const within = (signal: AbortSignal, work: (params: LagoRequestParams) => Promise<unknown>) =>
    requestWithin(settings.timeoutMs, signal, (own) => work({ signal: own, redirect: 'manual' }))

  const { billableMetrics, subscriptions } = client
  if (settings.checkCodes && billableMetrics !== undefined) {
    const names = createKnownNames(
      {
        what: 'billable metric with the code',
        notFound: 'billable_metric_not_found',
        fix: 'create it, or set code to one that there is',
        option: 'checkCodes',
        ask: (code, signal) =>
          within(signal, (params) =>
            billableMetrics.findBillableMetric(encodeURIComponent(code), params),
          ),
      },
      onWarning,
    )
    checks.push({ of: 'code', names })
  }
  if (settings.checkSubscriptions && subscriptions !== undefined) {
    const find = (id: string, status: 'active' | 'terminated', signal: AbortSignal) =>
      within(signal, (params) =>
        subscriptions.findSubscription(encodeURIComponent(id), { status }, params),
      )
    const names = createKnownNames(
      {
        what: 'subscription with the external id',
        notFound: 'subscription_not_found',
        fix: 'create it, starting before the usage, or set subscription to a function that answers the right id',
        option: 'checkSubscriptions',
        // Usage from before its end belongs to a subscription that has ended.
        ask: (id, signal) =>
          find(id, 'active', signal).catch((error: unknown) => {
            if (isRefusal(error) && error.status === 404) return find(id, 'terminated', signal)
            throw error
          }),
      },
      onWarning,
    )
    checks.push({ of: 'external_subscription_id', names })
  }

  return {
    async problemsOf(events, signal) {
      const problems = new Map<string, EventRetry>()
      for (const { of, names } of checks) {
        for (const [name, own] of Map.groupBy(events, (event) => event[of])) {
          if (signal.aborted) break
          const problem = await names.problemOf(name, signal)
          if (problem === undefined) continue
          // Lago could not be asked, so that nothing else need be tried now.
          const isOutage = problem.scope !== 'event'
          const affected = isOutage ? events : own
          for (const { transaction_id: id } of affected) problems.set(id, problem)
          if (isOutage) return problems
        }
      }
      return problems
    },
  }
}

/** What can be asked of Lago about a name: throws a 404 of Lago's for one that it does not have. */
interface NameQuestion {
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

interface KnownNames {
  /** Why what has this name is not to be sent now; `undefined` when it is. */
  problemOf(name: string, signal: AbortSignal): Promise<EventRetry | undefined>
}

const askAgainMs = 60_000
/** Of subscriptions there may be more than are worth remembering. */
const mostKnown = 100_000

function createKnownNames(
  question: NameQuestion,
  onWarning: (message: string) => void,
): KnownNames {
  const known = new Set<string>()
  let isOff = false

  async function problemOf(name: string, signal: AbortSignal): Promise<EventRetry | undefined> {
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

  function meaningOf(error: unknown, name: string): EventRetry | undefined {
    const { what, notFound, fix, option } = question
    if (isRefusal(error)) {
      const { status, error: body } = error
      if (status === 404 && (body as { code?: unknown } | null)?.code === notFound) {
        const reason = `Lago has no ${what} "${name}", and would take its events and not bill them: ${fix}; the usage is kept and sent then`
        return { status: 'retry', scope: 'event', reason, afterMs: askAgainMs }
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
    const outcome = outcomeOf(error, 0, Date.now())
    if (outcome.status !== 'retry') return undefined
    // A question changes nothing.
    const { uncertain: _, ...retry } = outcome
    return retry
  }

  return { problemOf }
}
