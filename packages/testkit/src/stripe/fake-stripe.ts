import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFaultQueue } from '../http/fault-queue.ts'
import { replacesAnswer, type Fault, type FaultOptions } from '../http/fault.ts'
import { startLoopbackServer } from '../http/loopback-server.ts'
import { readBody } from '../http/read-body.ts'
import { refusedAccess } from './access.ts'
import { billedUsage, type BilledUsage } from './billed-usage.ts'
import type { FakeStripeRequest } from './fake-stripe-request.ts'
import { createLanes } from './lanes.ts'
import { meterEventApi, meterEventParams, type MeterEventParams } from './meter-event-params.ts'
import { createMeterEventsEndpoint } from './meter-events-endpoint.ts'
import { openApiCheck } from './openapi-check.ts'
import { createRateLimit } from './rate-limit.ts'
import { refused, tooManyConcurrent, usualRefusal, type StripeAnswer } from './stripe-answer.ts'

/** How a fake Stripe behaves. */
export interface FakeStripeOptions {
  /** The key that is accepted. @default 'rk_live_fake', as clients slow down for `_test_` keys */
  readonly apiKey?: string
  /** False: the key lacks "Billing meter events: Write", and every event gets a 403. @default true */
  readonly mayWriteMeterEvents?: boolean
  /** Event names that have a meter. @default any */
  readonly meters?: readonly string[]
  /** @default Infinity */
  readonly requestsPerSecond?: number
  /** How long a request takes, so that two at a time are seen as such. @default 1 */
  readonly latencyMs?: number
  /** ms since the epoch. @default Date.now */
  readonly now?: () => number
}

/** Stripe's meter events on this machine, over real HTTP. */
export interface FakeStripe extends AsyncDisposable {
  /** Without a slash at the end; the `baseUrl` of a client. */
  readonly url: string
  readonly host: string
  readonly port: number
  readonly apiKey: string
  /** Every request so far, in order of arrival, whatever became of it. */
  readonly requests: readonly FakeStripeRequest[]
  /** Every event that is billed, in order of arrival. */
  readonly meterEvents: readonly MeterEventParams[]
  /** The sums of `meterEvents` per customer, event name, model and token type. */
  billed(): readonly BilledUsage[]
  /** The most requests that were in flight at a time for one customer and event name, and in all. */
  concurrency(): { readonly inOneLane: number; readonly inAll: number }
  /** Lets the next request, or those that the options name, go wrong. */
  failWith(fault: Fault, options?: FaultOptions): void
  /** Forgets all faults still to come. */
  recover(): void
  /** Cuts every connection and stops listening. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Starts a fake Stripe. Requests are also checked against Stripe's API description where
 * `../shared` has it.
 */
export async function startFakeStripe(options: FakeStripeOptions = {}): Promise<FakeStripe> {
  const { apiKey = 'rk_live_fake', mayWriteMeterEvents = true, latencyMs = 1 } = options
  const { meters, requestsPerSecond = Infinity, now = Date.now } = options
  const requests: OpenRequest[] = []
  const faults = createFaultQueue()
  const lanes = createLanes()
  const overRate = createRateLimit(requestsPerSecond)
  const endpoint = createMeterEventsEndpoint(meters, openApiCheck())

  async function answer(request: FakeStripeRequest, delayMs: number): Promise<StripeAnswer> {
    const api = meterEventApi(request)
    if (api === undefined) {
      const message = `Unrecognized request URL (${request.method}: ${request.path}).`
      return refused(404, { type: 'invalid_request_error', message })
    }
    const refusal = refusedAccess(request, apiKey, mayWriteMeterEvents) ?? overRate(request.at)
    if (refusal !== undefined) return refusal
    const params = meterEventParams(api, request.rawBody)
    const lane = JSON.stringify([params?.payload.stripe_customer_id, params?.event_name])
    const isAlone = lanes.enter(lane) === 1
    try {
      await sleep(latencyMs + delayMs)
      return isAlone ? endpoint.process(api, request) : refused(409, tooManyConcurrent)
    } finally {
      lanes.leave(lane)
    }
  }

  const server = await startLoopbackServer(async (incoming, response) => {
    const request = await receive(incoming, now)
    requests.push(request)
    response.setHeader('request-id', `req_${requests.length}`)
    const fault = faults.next(request.rawBody) ?? {}
    const delayMs = fault.delayMs ?? 0
    if (!replacesAnswer(fault)) return send(await answer(request, delayMs), request, response)
    if (fault.processed) await answer(request, delayMs)
    else await sleep(delayMs)
    if (fault.connection === 'hang') return
    if (fault.connection === 'reset') return void response.destroy()
    send(faultyAnswer(fault), request, response)
  })

  return {
    ...server,
    apiKey,
    requests,
    meterEvents: endpoint.events,
    billed: () => billedUsage(endpoint.events),
    concurrency: () => ({ inOneLane: lanes.mostInOneLane, inAll: lanes.mostInAll }),
    failWith: faults.add,
    recover: faults.clear,
  }
}

type OpenRequest = { -readonly [Key in keyof FakeStripeRequest]: FakeStripeRequest[Key] }

async function receive(incoming: IncomingMessage, now: () => number): Promise<OpenRequest> {
  return {
    method: incoming.method ?? 'GET',
    path: new URL(incoming.url ?? '/', 'http://localhost').pathname,
    headers: incoming.headers,
    rawBody: await readBody(incoming),
    at: now(),
    status: undefined,
  }
}

function faultyAnswer({ status = 200, headers = {}, body }: Fault): StripeAnswer {
  return { status, headers, body: body ?? { error: usualRefusal(status) } }
}

function send(answer: StripeAnswer, request: OpenRequest, response: ServerResponse): void {
  request.status = answer.status
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
  response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
}
