import { randomUUID } from 'node:crypto'
import { answerAtOnce } from './answer-at-once.ts'
import type { FakeEndpoint } from './fake-endpoint.ts'
import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import { createIdempotencyKeys } from './idempotency-keys.ts'
import type { MeterEventLedger } from './meter-event-ledger.ts'
import { meterEventParams, type MeterEventParams } from './meter-event-params.ts'
import type { OpenApiCheck } from './openapi-check.ts'
import { invalid, refused } from './stripe-answer.ts'

/** `POST /v1/billing/meter_events` or `/v2/billing/meter_events`: checked before the answer. */
export function meterEventsEndpoint(
  api: 'v1' | 'v2',
  ledger: MeterEventLedger,
  schema: OpenApiCheck | undefined,
): FakeEndpoint {
  const keys = createIdempotencyKeys()

  function process(request: FakeRequest): FakeAnswer {
    const known = answerAtOnce(request, keys, schema)
    if (known !== undefined) return known
    if (api === 'v2' && !request.headers['stripe-version']) return invalid('No Stripe-Version.')
    const params = meterEventParams(api, request.rawBody)
    if (params === undefined) return invalid('event_name and payload are required.')
    const broken = ledger.brokenRule(params, request)
    if (broken !== undefined) {
      if (api === 'v2') return refused(400, broken.refusal)
      const refusal = invalid(broken.refusal.message)
      keys.keep(request, refusal)
      return refusal
    }
    const identifier = params.identifier ?? randomUUID()
    if (ledger.isTaken(identifier, request)) return duplicate(api, identifier)
    ledger.add({ ...params, identifier }, request)
    const answer = created({ ...params, identifier }, request)
    keys.keep(request, answer)
    return answer
  }

  return {
    api,
    method: 'POST',
    path: new RegExp(`^/${api}/billing/meter_events$`),
    lane: ({ rawBody }) => {
      const params = meterEventParams(api, rawBody)
      return JSON.stringify([params?.payload.stripe_customer_id, params?.event_name])
    },
    process,
  }
}

function duplicate(api: 'v1' | 'v2', identifier: string): FakeAnswer {
  const message = `An event already exists with identifier ${identifier}.`
  if (api === 'v2') return refused(400, { code: 'duplicate_meter_event', message })
  return { ...invalid(message), headers: { 'stripe-should-retry': 'false' } }
}

function created(event: MeterEventParams, request: FakeRequest): FakeAnswer {
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
