import { randomUUID } from 'node:crypto'
import { createIdempotencyKeys } from './idempotency-keys.ts'
import { createIdentifiers } from './identifiers.ts'
import type { FakeStripeRequest } from './fake-stripe-request.ts'
import {
  meterEventParams,
  type MeterEventApi,
  type MeterEventParams,
} from './meter-event-params.ts'
import { brokenRule } from './meter-event-rules.ts'
import type { OpenApiCheck } from './openapi-check.ts'
import { refused, type StripeAnswer } from './stripe-answer.ts'

/** `POST /v1/billing/meter_events` and `/v2/billing/meter_events`: what is checked and kept. */
export interface MeterEventsEndpoint {
  /** Everything that is billed, in order of arrival. */
  readonly events: readonly MeterEventParams[]
  process(api: MeterEventApi, request: FakeStripeRequest): StripeAnswer
}

export function createMeterEventsEndpoint(
  meters: readonly string[] | undefined,
  schema: OpenApiCheck | undefined,
): MeterEventsEndpoint {
  const events: MeterEventParams[] = []
  const keys = createIdempotencyKeys()
  const identifiers = createIdentifiers()

  function process(api: MeterEventApi, request: FakeStripeRequest): StripeAnswer {
    const given = keys.answer(request)
    if (given !== undefined) return given
    const problems = schema?.(request) ?? []
    if (problems.length > 0) return invalid(problems.join('; '))
    if (api === 'v2' && !request.headers['stripe-version']) return invalid('No Stripe-Version.')
    const params = meterEventParams(api, request.rawBody)
    if (params === undefined) return invalid('event_name and payload are required.')
    const broken = brokenRule(params, { meters, now: request.at })
    if (broken !== undefined) return refused(400, api === 'v2' ? broken : invalidInV1(broken))
    const identifier = params.identifier ?? randomUUID()
    if (!identifiers.claim(identifier, request.at)) return duplicate(api, identifier)
    events.push({ ...params, identifier })
    const answer = created({ ...params, identifier }, request)
    keys.keep(request, answer)
    return answer
  }

  return { events, process }
}

function invalid(message: string): StripeAnswer {
  return refused(400, { type: 'invalid_request_error', message })
}

function invalidInV1({ message }: { message: string }) {
  return { type: 'invalid_request_error', message }
}

function duplicate(api: MeterEventApi, identifier: string): StripeAnswer {
  const message = `An event already exists with identifier ${identifier}.`
  if (api === 'v2') return refused(400, { code: 'duplicate_meter_event', message })
  return refused(400, invalidInV1({ message }), { 'stripe-should-retry': 'false' })
}

function created(event: MeterEventParams, request: FakeStripeRequest): StripeAnswer {
  const { api, event_name, identifier, payload } = event
  const timestamp = event.timestamp ?? request.at
  const inV2 = api === 'v2'
  const body = {
    object: inV2 ? 'v2.billing.meter_event' : 'billing.meter_event',
    created: inV2 ? new Date(request.at).toISOString() : Math.floor(request.at / 1000),
    event_name,
    identifier,
    livemode: String(request.headers.authorization).includes('_live_'),
    payload,
    timestamp: inV2 ? new Date(timestamp).toISOString() : Math.floor(timestamp / 1000),
  }
  return { status: 200, body }
}
