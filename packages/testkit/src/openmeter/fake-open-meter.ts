import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFaultQueue } from '../http/fault-queue.ts'
import { replacesAnswer, type Fault, type FaultOptions } from '../http/fault.ts'
import { startLoopbackServer } from '../http/loopback-server.ts'
import { readBody } from '../http/read-body.ts'
import { createEventStore } from './event-store.ts'
import type { FakeOpenMeterOptions } from './fake-open-meter-options.ts'
import type { FakeOpenMeterRequest } from './fake-open-meter-request.ts'
import { accessCheck, ingestEvents } from './ingest-events.ts'
import type { IngestedEvent } from './ingested-event.ts'
import { meteredCosts, meteredUsage, type MeteredCost, type MeteredUsage } from './metered-usage.ts'
import { queryMeter, type FakeMeter, type MeterRow } from './meter-query.ts'
import { problem, type OpenMeterAnswer } from './problem.ts'

/** OpenMeter's event ingestion on this machine, over real HTTP. */
export interface FakeOpenMeter extends AsyncDisposable {
  /** Of the server, without a slash at the end: the `url` of a client. */
  readonly url: string
  /** The key that is accepted; empty where none is asked for. */
  readonly apiKey: string
  /** Every request so far, in order of arrival, whatever became of it. */
  readonly requests: readonly FakeOpenMeterRequest[]
  /** Every event that counts, in order of arrival. */
  readonly events: readonly IngestedEvent[]
  /** How many events were known already, and ignored. */
  duplicates(): number
  /** What a meter says of the events so far. */
  query(meter: FakeMeter): readonly MeterRow[]
  /** The sums of tokens per customer, model and token type. */
  billed(): readonly MeteredUsage[]
  /** The sums of costs per customer and model. */
  costs(): readonly MeteredCost[]
  /** The next request fails with a 500 after so many of its events were taken. */
  failAfter(events: number): void
  /** Lets the next request, or those that the options name, go wrong. */
  failWith(fault: Fault, options?: FaultOptions): void
  /** Forgets all faults still to come. */
  recover(): void
  /** Cuts every connection and stops listening. Safe to call twice. */
  close(): Promise<void>
}

/** Starts a fake OpenMeter. */
export async function startFakeOpenMeter(
  options: FakeOpenMeterOptions = {},
): Promise<FakeOpenMeter> {
  const { apiKey = 'om_fake', mayIngest = true, api = 'v1', prefix = '' } = options
  const { duplicateWindowMs = 24 * 60 * 60_000, maxBodyBytes = Infinity } = options
  const { latencyMs = 1, now = Date.now } = options
  const path = `${prefix}${api === 'v1' ? '/api/v1/events' : '/v3/openmeter/events'}`
  const success = api === 'v1' ? 204 : 202
  const requests: OpenRequest[] = []
  const faults = createFaultQueue()
  const store = createEventStore(duplicateWindowMs)
  const refusedAccess = accessCheck(apiKey, mayIngest)
  let takes: number | undefined

  function answer(request: FakeOpenMeterRequest): OpenMeterAnswer {
    if (request.rawBody.length > maxBodyBytes) {
      const headers = { 'content-type': 'text/html' }
      return { status: 413, headers, body: '<html>Request Entity Too Large</html>' }
    }
    if (request.path !== path) return problem(404, 'no matching operation was found')
    if (request.method !== 'POST') return problem(405, 'method not allowed')
    const refusal = refusedAccess(request)
    if (refusal !== undefined) return refusal
    const limit = takes
    takes = undefined
    return ingestEvents(request, store, success, limit)
  }

  const server = await startLoopbackServer(async (incoming, response) => {
    const request = await receive(incoming, now)
    requests.push(request)
    const fault = faults.next(request.rawBody, request.path) ?? {}
    await sleep(latencyMs + (fault.delayMs ?? 0))
    if (!replacesAnswer(fault)) return send(answer(request), request, response)
    if (fault.processed) answer(request)
    if (fault.connection === 'hang') return
    if (fault.connection === 'reset') return void response.destroy()
    send(faultyAnswer(fault), request, response)
  })

  return {
    ...server,
    url: `${server.url}${prefix}`,
    apiKey: apiKey ?? '',
    requests,
    events: store.events,
    duplicates: () => store.duplicates,
    query: (meter) => queryMeter(store.events, meter),
    billed: () => meteredUsage(store.events),
    costs: () => meteredCosts(store.events),
    failAfter: (events) => void (takes = events),
    failWith: faults.add,
    recover: faults.clear,
  }
}

type OpenRequest = { -readonly [Key in keyof FakeOpenMeterRequest]: FakeOpenMeterRequest[Key] }

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

/** A fault with a body of its own is not OpenMeter's, unless its headers say so. */
function faultyAnswer({ status = 200, headers = {}, body }: Fault): OpenMeterAnswer {
  if (body !== undefined) return { status, headers, body }
  const usual = problem(status, `refused with status ${status}`)
  return { ...usual, headers: { ...usual.headers, ...headers } }
}

function send(answer: OpenMeterAnswer, request: OpenRequest, response: ServerResponse): void {
  const { status, body, headers = {} } = answer
  request.status = status
  const type = body === '' ? {} : { 'content-type': 'application/json' }
  response.writeHead(status, { ...type, ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}
