import { randomUUID } from 'node:crypto'
import { answerAtOnce } from './answer-at-once.ts'
import type { FakeEndpoint } from './fake-endpoint.ts'
import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import { createIdempotencyKeys } from './idempotency-keys.ts'
import type { MeterEventLedger } from './meter-event-ledger.ts'
import type { MeterEventSessions } from './meter-event-sessions.ts'
import { streamedEventParams } from './meter-event-params.ts'
import type { OpenApiCheck } from './openapi-check.ts'
import { invalid, refused } from './stripe-answer.ts'

/** What becomes of an identifier that is taken; Stripe does not say. */
export type StreamDuplicates = 'ignored' | 'refused'

/**
 * `POST /v2/billing/meter_event_stream`: up to 100 events, all of them or none. Only the form is
 * checked before the answer; what cannot be billed is a failure afterwards.
 */
export function meterEventStream(
  ledger: MeterEventLedger,
  sessions: MeterEventSessions,
  duplicates: StreamDuplicates,
  schema: OpenApiCheck | undefined,
): FakeEndpoint {
  const keys = createIdempotencyKeys()

  function process(request: FakeRequest): FakeAnswer {
    const known = answerAtOnce(request, keys, schema)
    if (known !== undefined) return known
    if (!request.headers['stripe-version']) return invalid('No Stripe-Version.')
    const events = streamedEventParams(request.rawBody)
    if (events === undefined) return invalid('events with event_name and payload are required.')
    if (events.length === 0 || events.length > 100) return invalid('Send 1 to 100 events.')
    const taken = events.find(({ identifier }) => ledger.isTaken(identifier, request))
    if (taken !== undefined && duplicates === 'refused') {
      const message = `An event already exists with identifier ${taken.identifier}.`
      return refused(400, { code: 'duplicate_meter_event', message })
    }
    for (const event of events) {
      if (ledger.isTaken(event.identifier, request)) continue
      const identifier = event.identifier ?? randomUUID()
      ledger.add({ ...event, identifier }, request, ledger.brokenRule(event, request))
    }
    const answer = { status: 200, body: {} }
    keys.keep(request, answer)
    return answer
  }

  return {
    api: 'stream',
    method: 'POST',
    path: /^\/v2\/billing\/meter_event_stream$/,
    access: sessions.access,
    process,
  }
}
