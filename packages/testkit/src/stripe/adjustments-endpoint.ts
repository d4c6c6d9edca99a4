import { parse } from 'qs'
import { parseJson } from '../http/parse-json.ts'
import { answerAtOnce } from './answer-at-once.ts'
import type { FakeEndpoint } from './fake-endpoint.ts'
import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import { createIdempotencyKeys } from './idempotency-keys.ts'
import type { MeterEventLedger } from './meter-event-ledger.ts'
import type { OpenApiCheck } from './openapi-check.ts'
import { invalid, refused } from './stripe-answer.ts'

/** `POST /v1/billing/meter_event_adjustments` or v2's: takes back one event within 24 hours. */
export function adjustmentsEndpoint(
  api: 'v1' | 'v2',
  ledger: MeterEventLedger,
  schema: OpenApiCheck | undefined,
): FakeEndpoint {
  const keys = createIdempotencyKeys()

  function process(request: FakeRequest): FakeAnswer {
    const known = answerAtOnce(request, keys, schema)
    if (known !== undefined) return known
    const body = (api === 'v2' ? parseJson(request.rawBody) : parse(request.rawBody)) as Adjustment
    const problem = ledger.cancel(body.event_name, body.cancel.identifier, request)
    if (problem !== undefined) {
      const code = 'invalid_cancel_configuration'
      if (api === 'v2') return refused(400, { code, message: problem })
      const refusal = invalid(problem)
      keys.keep(request, refusal)
      return refusal
    }
    const answer = { status: 200, body: adjusted(api, body, request) }
    keys.keep(request, answer)
    return answer
  }

  return {
    api: `${api}_adjustments`,
    method: 'POST',
    path: new RegExp(`^/${api}/billing/meter_event_adjustments$`),
    process,
  }
}

interface Adjustment {
  readonly event_name: string
  readonly cancel: { readonly identifier: string }
}

function adjusted(api: 'v1' | 'v2', { event_name, cancel }: Adjustment, { at }: FakeRequest) {
  const common = { event_name, cancel, type: 'cancel', status: 'pending', livemode: true }
  if (api === 'v1') return { object: 'billing.meter_event_adjustment', ...common }
  const created = new Date(at).toISOString()
  return {
    object: 'v2.billing.meter_event_adjustment',
    id: `mtr_event_adj_${at}`,
    created,
    ...common,
  }
}
