import { setTimeout as sleep } from 'node:timers/promises'
import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import { startFakeServer, type FakeBackend, type FakeServer } from '../http/fake-server.ts'
import { replacesAnswer, type Fault } from '../http/fault.ts'
import { refusedAccess } from './access.ts'
import { adjustmentsEndpoint } from './adjustments-endpoint.ts'
import { createBilling, type FakeBilling } from './billing/billing.ts'
import { billedUsage, type BilledUsage } from './billed-usage.ts'
import { createErrorReports, type ErrorReportOptions } from './error-reports.ts'
import type { FakeEndpoint } from './fake-endpoint.ts'
import type { FakeStripeOptions } from './fake-stripe-options.ts'
import { createLanes } from './lanes.ts'
import type { MeterEventFailure } from './meter-event-failure.ts'
import { createMeterEventLedger } from './meter-event-ledger.ts'
import type { MeterEventParams } from './meter-event-params.ts'
import { createMeterEventSessions } from './meter-event-sessions.ts'
import { meterEventStream } from './meter-event-stream.ts'
import { eventSummariesEndpoint, metersEndpoint } from './meters-endpoint.ts'
import { meterEventsEndpoint } from './meter-events-endpoint.ts'
import { openApiCheck } from './openapi-check.ts'
import { createRateLimit, rateLimited } from './rate-limit.ts'
import { refused, tooManyConcurrent, usualRefusal } from './stripe-answer.ts'

/**
 * Stripe on this machine, over real HTTP: meter events, and what they come to (customers, prices,
 * subscriptions, Checkout, invoices, credit grants, refunds, disputes), told to webhooks.
 */
export interface FakeStripe extends FakeServer {
  /** Without a slash at the end; the `baseUrl` of a client. */
  readonly url: string
  readonly apiKey: string
  /** Every event that is billed, in order of arrival. */
  readonly meterEvents: readonly MeterEventParams[]
  /** Every event that was accepted and could not be billed afterwards, in order of arrival. */
  readonly failures: readonly MeterEventFailure[]
  /** The sums of `meterEvents` per customer, event name, model and token type. */
  billed(): readonly BilledUsage[]
  /** Requests so far by API: `v1`, `v2`, `session`, `stream`, ... */
  requestCounts(): Readonly<Record<string, number>>
  /** The most requests that were in flight at a time for one customer and event name, and in all. */
  concurrency(): { readonly inOneLane: number; readonly inAll: number }
  /** Ends all sessions of the stream, before their time. */
  endSessions(): void
  /** Lets events fail that are billed already; the code is that of the report. */
  failEvents(select: (event: MeterEventParams) => boolean, code: string, message: string): void
  /**
   * The bodies of the notifications about what failed since the last call, one for each meter: post
   * them, signed, to a webhook.
   */
  reportErrors(options?: ErrorReportOptions): readonly string[]
  /** From now on event summaries lag behind: they show what there is now. */
  holdSummaries(): void
  releaseSummaries(): void
  /** What customers, banks and time do. */
  readonly billing: FakeBilling
}

/**
 * Starts a fake Stripe.
 * @throws Error where `openApi` names no file that can be read.
 */
export async function startFakeStripe(options: FakeStripeOptions = {}): Promise<FakeStripe> {
  const { apiKey = 'rk_live_fake', mayWriteMeterEvents = true, latencyMs = 1 } = options
  const { requestsPerSecond = Infinity, maxConcurrentRequests = Infinity } = options
  const { openApi = process.env['TOKEN_METER_STRIPE_OPENAPI'] } = options
  const { now = Date.now, sessionMs = 15 * 60_000, expiredSessionStatus = 401 } = options
  const lanes = createLanes()
  const overRate = createRateLimit(requestsPerSecond, 'endpoint-rate')
  const schema = openApi === undefined ? undefined : openApiCheck(openApi)
  const ledger = createMeterEventLedger({ meters: options.meters, customers: options.customers })
  const sessions = createMeterEventSessions({
    lifetimeMs: sessionMs,
    expiredStatus: expiredSessionStatus,
  })
  const { mayReadEvents = true } = options
  const errorReports = createErrorReports(ledger, { apiKey, mayReadEvents, now })
  let summarised: readonly MeterEventParams[] | undefined
  const { billing, endpoints: billed } = createBilling({ now, meterEvents: () => ledger.events })
  const endpoints: readonly FakeEndpoint[] = [
    meterEventsEndpoint('v1', ledger, schema),
    meterEventsEndpoint('v2', ledger, schema),
    sessions.endpoint,
    meterEventStream(ledger, sessions, options.streamDuplicates ?? 'ignored', schema),
    adjustmentsEndpoint('v1', ledger, schema),
    adjustmentsEndpoint('v2', ledger, schema),
    metersEndpoint(options.meters, ledger),
    eventSummariesEndpoint(options.meters, ledger, () => summarised ?? ledger.events),
    errorReports.endpoint,
    ...billed,
  ]
  const endpointOf = ({ method, path }: FakeRequest) =>
    endpoints.find((endpoint) => endpoint.method === method && endpoint.path.test(path))

  async function answer(given: FakeRequest, fault: Fault): Promise<FakeAnswer> {
    const request = fault.forgetsKey ? withoutKey(given) : given
    const endpoint = endpointOf(request)
    if (endpoint === undefined) {
      const message = `Unrecognized request URL (${request.method}: ${request.path}).`
      return refused(404, { type: 'invalid_request_error', message })
    }
    const refusal = endpoint.access
      ? endpoint.access(request)
      : refusedAccess(request, apiKey, mayWriteMeterEvents)
    const limited = refusal ?? overRate(request.at)
    if (limited !== undefined) return limited
    const lane = endpoint.lane?.(request)
    const isAlone = lanes.enter(lane) === 1
    const isTooMany = lanes.inAll > maxConcurrentRequests
    try {
      await sleep(latencyMs + (fault.delayMs ?? 0))
      if (isTooMany) return rateLimited('endpoint-concurrency')
      return isAlone ? endpoint.process(request) : refused(409, tooManyConcurrent)
    } finally {
      lanes.leave(lane)
    }
  }

  const backend: FakeBackend = {
    answer,
    faultyAnswer,
    // A request takes its time in its lane.
    wait: async (fault) => {
      if (replacesAnswer(fault) && !fault.processed) await sleep(fault.delayMs ?? 0)
    },
    headers: ({ at }, count) => ({
      'request-id': `req_${count}`,
      date: new Date(at).toUTCString(),
    }),
  }
  const server = await startFakeServer(backend, options)
  return {
    ...server,
    apiKey,
    meterEvents: ledger.events,
    failures: ledger.failures,
    billed: () => billedUsage(ledger.events),
    requestCounts: () => {
      const counts: Record<string, number> = {}
      for (const request of server.requests) {
        const { api = 'unknown' } = endpointOf(request) ?? {}
        counts[api] = (counts[api] ?? 0) + 1
      }
      return counts
    },
    concurrency: () => ({ inOneLane: lanes.mostInOneLane, inAll: lanes.mostInAll }),
    endSessions: sessions.end,
    failEvents: ledger.fail,
    reportErrors: errorReports.report,
    holdSummaries: () => (summarised = [...ledger.events]),
    releaseSummaries: () => (summarised = undefined),
    billing,
  }
}

function withoutKey(request: FakeRequest): FakeRequest {
  return { ...request, headers: { ...request.headers, 'idempotency-key': undefined } }
}

function faultyAnswer({ status = 200, headers = {}, body }: Fault): FakeAnswer {
  return { status, headers, body: body ?? { error: usualRefusal(status) } }
}
