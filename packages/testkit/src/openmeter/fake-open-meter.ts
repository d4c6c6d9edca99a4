import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import { startFakeServer, type FakeServer } from '../http/fake-server.ts'
import type { Fault } from '../http/fault.ts'
import { createEventsOnce } from '../sums/events-once.ts'
import type { FakeOpenMeterOptions } from './fake-open-meter-options.ts'
import { accessCheck, ingestEvents } from './ingest-events.ts'
import type { IngestedEvent } from './ingested-event.ts'
import { meteredCosts, meteredUsage, type MeteredCost, type MeteredUsage } from './metered-usage.ts'
import { queryMeter, type FakeMeter, type MeterRow } from './meter-query.ts'
import { problem } from './problem.ts'

/** OpenMeter's event ingestion on this machine, over real HTTP. */
export interface FakeOpenMeter extends FakeServer {
  /** Of the server, without a slash at the end: the `url` of a client. */
  readonly url: string
  /** The key that is accepted; empty where none is asked for. */
  readonly apiKey: string
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
}

/** Starts a fake OpenMeter. */
export async function startFakeOpenMeter(
  options: FakeOpenMeterOptions = {},
): Promise<FakeOpenMeter> {
  const { apiKey = 'om_fake', mayIngest = true, api = 'v1', prefix = '' } = options
  const { duplicateWindowMs = 24 * 60 * 60_000, maxBodyBytes = Infinity } = options
  const path = `${prefix}${api === 'v1' ? '/api/v1/events' : '/v3/openmeter/events'}`
  const success = api === 'v1' ? 204 : 202
  const store = createEventsOnce(duplicateWindowMs, ({ source, id }: IngestedEvent) =>
    JSON.stringify([source, id]),
  )
  const refusedAccess = accessCheck(apiKey, mayIngest)
  let takes: number | undefined

  function answer(request: FakeRequest): FakeAnswer {
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

  const server = await startFakeServer({ answer, faultyAnswer }, options)
  return {
    ...server,
    url: `${server.url}${prefix}`,
    apiKey: apiKey ?? '',
    events: store.events,
    duplicates: () => store.duplicates,
    query: (meter) => queryMeter(store.events, meter),
    billed: () => meteredUsage(store.events),
    costs: () => meteredCosts(store.events),
    failAfter: (events) => void (takes = events),
  }
}

/** A fault with a body of its own is not OpenMeter's, unless its headers say so. */
function faultyAnswer({ status = 200, headers = {}, body }: Fault): FakeAnswer {
  if (body !== undefined) return { status, headers, body }
  const usual = problem(status, `refused with status ${status}`)
  return { ...usual, headers: { ...usual.headers, ...headers } }
}
