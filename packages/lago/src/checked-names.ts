import { isRefusal } from './classify-failure.ts'
import { requestWithin, type EventRetry } from '@token-meter/core/sink'
import { createKnownNames, type KnownNames } from './known-names.ts'
import type { LagoClient, LagoRequestParams } from './lago-client.ts'
import type { LagoSinkSettings } from './lago-sink-settings.ts'
import type { LagoEvent } from './to-lago-events.ts'

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
          const affected = problem.isOutage ? events : own
          for (const { transaction_id: id } of affected) problems.set(id, problem.retry)
          if (problem.isOutage) return problems
        }
      }
      return problems
    },
  }
}
