import { randomUUID } from 'node:crypto'
import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import { startFakeServer, type FakeServer } from '../http/fake-server.ts'
import type { Fault } from '../http/fault.ts'
import type { FakeLagoOptions } from './fake-lago-options.ts'
import { refusedLagoAccess } from './lago-access.ts'
import { refused } from './lago-answer.ts'
import { lagoBill, lagoCosts, type LagoBilledCost, type LagoBilledUsage } from './lago-bill.ts'
import type { LagoEventInput } from './lago-event-input.ts'
import { createLagoEventStore } from './lago-event-store.ts'
import { postBatch, postEvent } from './lago-events-endpoint.ts'
import { createLagoRateLimit } from './lago-rate-limit.ts'

/**
 * Lago's API on this machine, over real HTTP: events, one or a batch, and whether there is a
 * billable metric or a subscription. Statuses and bodies are those of Lago's source.
 * @see https://getlago.com/docs/api-reference/events/batch
 */
export interface FakeLago extends FakeServer {
  /** Without a slash at the end and without `/api/v1`. */
  readonly url: string
  readonly apiKey: string
  /** Every event that Lago has, once, billed or not. */
  readonly events: readonly LagoEventInput[]
  /** The sums per subscription, code, model and token type of what has a metric and a subscription. */
  billed(): readonly LagoBilledUsage[]
  /** The exact sums of its costs per subscription and model. */
  costs(): readonly LagoBilledCost[]
  /** From now on there is a billable metric with this code. */
  addBillableMetric(code: string): void
  /** From now on there is an active subscription with this external id. */
  addSubscription(externalId: string): void
}

export async function startFakeLago(options: FakeLagoOptions = {}): Promise<FakeLago> {
  const { apiKey = randomUUID() } = options
  const store = createLagoEventStore(options)
  const overRate = createLagoRateLimit(options.requestsPerSecond ?? Infinity)
  const metrics = options.billableMetrics && new Set(options.billableMetrics)
  const active = options.subscriptions && new Set(options.subscriptions)
  const terminated = new Set(options.terminatedSubscriptions)

  function answer(request: FakeRequest): FakeAnswer {
    const { method, path, query, at } = request
    const [resource = '', name = '', ...more] = path.replace(/^\/api\/v1\//, '').split('/')
    const route = path.startsWith('/api/v1/') ? routes[`${method} ${resource}`] : undefined
    if (route === undefined || more.length > 0) return refused(404)
    const refusal = refusedLagoAccess(request, apiKey, route, options)
    if (refusal !== undefined) return refusal
    const limited = overRate(at)
    if (limited !== undefined) return limited
    if (route === 'event') {
      if (name === '') return postEvent(request, store, options)
      return name === 'batch' ? postBatch(request, store, options) : refused(404)
    }
    const status = new URLSearchParams(query).get('status') ?? 'active'
    const isThere =
      route === 'billable_metric'
        ? (metrics?.has(decodeURIComponent(name)) ?? true)
        : status === 'terminated'
          ? terminated.has(decodeURIComponent(name))
          : (active?.has(decodeURIComponent(name)) ?? true)
    if (!isThere) return refused(404, `${route}_not_found`)
    return { status: 200, body: { [route]: { lago_id: randomUUID() } } }
  }

  function billable(): readonly LagoEventInput[] {
    return store.events.filter(
      ({ code, external_subscription_id: id }) =>
        (metrics?.has(code) ?? true) && ((active?.has(id) ?? true) || terminated.has(id)),
    )
  }

  const server = await startFakeServer({ answer, faultyAnswer }, options)
  return {
    ...server,
    apiKey,
    events: store.events,
    billed: () => lagoBill(billable()),
    costs: () => lagoCosts(billable()),
    addBillableMetric: (code) => void metrics?.add(code),
    addSubscription: (externalId) => void active?.add(externalId),
  }
}

/** The resource, as permissions and errors name it. */
const routes: Readonly<Record<string, string>> = {
  'POST events': 'event',
  'GET billable_metrics': 'billable_metric',
  'GET subscriptions': 'subscription',
}

function faultyAnswer({ status = 200, headers = {}, body }: Fault): FakeAnswer {
  const usual = refused(status)
  return { status, headers, body: body ?? usual.body }
}
