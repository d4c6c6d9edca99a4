import type { FakeEndpoint } from './fake-endpoint.ts'
import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import type { MeterEventLedger } from './meter-event-ledger.ts'
import { invalid, refused } from './stripe-answer.ts'

/** The id of the meter that listens to an event name. */
export function meterId(eventName: string): string {
  return `mtr_${Buffer.from(eventName).toString('hex')}`
}

/** `GET /v1/billing/meters`: the meters of the options, or one for every event name that came. */
export function metersEndpoint(
  meters: readonly string[] | undefined,
  ledger: MeterEventLedger,
): FakeEndpoint {
  return {
    api: 'meters',
    method: 'GET',
    path: /^\/v1\/billing\/meters$/,
    process: ({ query }) => page(meterNames(meters, ledger).map(meter), new URLSearchParams(query)),
  }
}

function meterNames(
  meters: readonly string[] | undefined,
  { events, failures }: MeterEventLedger,
): readonly string[] {
  const came = [...events, ...failures.map(({ event }) => event)]
  return meters ?? [...new Set(came.map(({ event_name: name }) => name))]
}

/** `GET /v1/billing/meters/{id}/event_summaries`, without a window: one total, or none. */
export function eventSummariesEndpoint(
  meters: readonly string[] | undefined,
  ledger: MeterEventLedger,
  visibleEvents: () => MeterEventLedger['events'],
): FakeEndpoint {
  const path = /^\/v1\/billing\/meters\/([^/]+)\/event_summaries$/
  function process(request: FakeRequest): FakeAnswer {
    const query = new URLSearchParams(request.query)
    const [start, end] = ['start_time', 'end_time'].map((name) => Number(query.get(name)))
    if (!start || !end || start % 60 !== 0 || end % 60 !== 0 || end <= start) {
      const message = 'start_time and end_time must be aligned with minutes, and end after start.'
      return refused(400, { type: 'invalid_request_error', message })
    }
    if (!query.get('customer')) return invalid('Missing required param: customer.')
    const [, id = ''] = path.exec(request.path) ?? []
    if (!meterNames(meters, ledger).some((name) => meterId(name) === id)) {
      const message = `No such meter: '${id}'`
      return refused(404, { type: 'invalid_request_error', code: 'resource_missing', message })
    }
    const values = visibleEvents()
      .filter(
        ({ event_name: name, payload, timestamp = 0 }) =>
          meterId(name) === id &&
          payload.stripe_customer_id === query.get('customer') &&
          timestamp >= start * 1000 &&
          timestamp < end * 1000,
      )
      .map(({ payload }) => Number(payload.value))
    if (values.length === 0) return page([], query)
    const summary = {
      id: `mtrusg_${start}_${end}`,
      object: 'billing.meter_event_summary',
      aggregated_value: values.reduce((sum, value) => sum + value, 0),
      start_time: start,
      end_time: end,
      livemode: true,
      meter: id,
    }
    return page([summary], query)
  }
  return { api: 'event_summaries', method: 'GET', path, process }
}

function meter(eventName: string) {
  return {
    id: meterId(eventName),
    object: 'billing.meter',
    event_name: eventName,
    display_name: eventName,
    default_aggregation: { formula: 'sum' },
    event_time_window: null,
    livemode: true,
    status: 'active',
  }
}

function page(all: readonly { readonly id: string }[], query: URLSearchParams): FakeAnswer {
  const limit = Number(query.get('limit') ?? 10)
  if (!(limit >= 1 && limit <= 100)) return invalid('limit must be from 1 to 100.')
  const start = all.findIndex(({ id }) => id === query.get('starting_after')) + 1
  const data = all.slice(start, start + limit)
  const body = { object: 'list', data, has_more: start + data.length < all.length, url: '' }
  return { status: 200, body }
}
