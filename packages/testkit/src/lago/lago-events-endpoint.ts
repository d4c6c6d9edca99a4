import { parseJson } from '../http/parse-json.ts'
import type { FakeLagoOptions } from './fake-lago-options.ts'
import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import { crashed, invalid } from './lago-answer.ts'
import { breaksStore, eventErrors, type LagoEventInput } from './lago-event-input.ts'
import type { LagoEventStore } from './lago-event-store.ts'

/** `POST /api/v1/events/batch`: all of the events, or none and what is wrong by place. */
export function postBatch(
  request: FakeRequest,
  store: LagoEventStore,
  options: FakeLagoOptions,
): FakeAnswer {
  const { events } = bodyOf(request)
  if (!Array.isArray(events) || events.length === 0) return invalid({ events: ['no_events'] })
  const { maxBatchEvents = 100 } = options
  if (events.length > maxBatchEvents) return invalid({ events: ['too_many_events'] })
  const { answer, details } = keep(events, request, store, options)
  return answer ?? invalid(details)
}

/** `POST /api/v1/events`: the same for one event, with what is wrong by field. */
export function postEvent(
  request: FakeRequest,
  store: LagoEventStore,
  options: FakeLagoOptions,
): FakeAnswer {
  const { event } = bodyOf(request)
  const { answer, details } = keep([event], request, store, options)
  if (answer === undefined) return invalid(details['0'] as Record<string, unknown>)
  const [taken] = (answer.body as { events?: readonly unknown[] }).events ?? []
  return taken === undefined ? answer : { ...answer, body: { event: taken } }
}

function bodyOf({ headers, rawBody }: FakeRequest): Record<string, unknown> {
  const isJson = String(headers['content-type']).startsWith('application/json')
  return ((isJson ? parseJson(rawBody) : undefined) ?? {}) as Record<string, unknown>
}

function keep(
  given: readonly unknown[],
  { at }: FakeRequest,
  store: LagoEventStore,
  { expression }: FakeLagoOptions,
): { readonly answer?: FakeAnswer; readonly details: Record<string, unknown> } {
  const details: Record<string, unknown> = {}
  for (const [place, event] of given.entries()) {
    const errors = eventErrors(event) ?? expression?.(event as LagoEventInput)
    if (errors !== undefined) details[place] = errors
  }
  if (Object.keys(details).length > 0) return { details }
  const events = given as readonly LagoEventInput[]
  if (events.some(breaksStore)) return { answer: crashed, details }
  const timed = events.map((event) => ({ ...event, timestamp: event.timestamp ?? at / 1000 }))
  for (const place of store.add(timed)) details[place] = { transaction_id: ['value_already_exist'] }
  if (Object.keys(details).length > 0) return { details }
  return { answer: { status: 200, body: { events: timed.map(asStored) } }, details }
}

function asStored(event: LagoEventInput): object {
  return {
    lago_id: crypto.randomUUID(),
    transaction_id: event.transaction_id,
    lago_customer_id: null,
    code: event.code,
    timestamp: new Date(Number(event.timestamp) * 1000).toISOString(),
    precise_total_amount_cents: event.precise_total_amount_cents ?? null,
    properties: event.properties ?? {},
    lago_subscription_id: null,
    external_subscription_id: event.external_subscription_id,
    created_at: new Date().toISOString(),
  }
}
