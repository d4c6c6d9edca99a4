import { parseJson } from '../http/parse-json.ts'
import type { EventsOnce } from '../sums/events-once.ts'
import { brokenRule, toIngestedEvent } from './event-rules.ts'
import type { IngestedEvent } from './ingested-event.ts'
import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import { problem } from './problem.ts'

/** What is refused before an event is looked at. */
export type Access = (request: FakeRequest) => FakeAnswer | undefined

/** Asks for the key, whole in its refusal, which shows whether a client lets it through. */
export function accessCheck(apiKey: string | null, mayIngest: boolean): Access {
  return ({ headers }) => {
    const key = String(headers['authorization'] ?? '').replace(/^Bearer /, '')
    if (apiKey !== null && key !== apiKey) return problem(401, `invalid API key: ${key}`)
    return mayIngest ? undefined : problem(403, `the key ${key} may not create events`)
  }
}

/**
 * Takes the events of a request: all of them are checked first, and then they are taken one by one.
 * @param takes how many are taken before the server fails, as it can in the middle.
 */
export function ingestEvents(
  request: FakeRequest,
  store: EventsOnce<IngestedEvent>,
  success: number,
  takes = Infinity,
): FakeAnswer {
  const contentType = String(request.headers['content-type'] ?? '')
  const body = parseJson(request.rawBody)
  const events = eventsIn(contentType, body)
  if (events === undefined) return problem(400, `invalid content type or body: ${contentType}`)
  const broken = brokenRule(events)
  if (broken !== undefined) return problem(400, broken)
  for (const [index, event] of events.entries()) {
    if (index >= takes) return problem(500, 'forwarding event to collector: broker is gone')
    store.add(toIngestedEvent(event, request.at), request.at)
  }
  return { status: success, body: '' }
}

function eventsIn(contentType: string, body: unknown): readonly unknown[] | undefined {
  if (contentType === 'application/cloudevents-batch+json') {
    return Array.isArray(body) ? body : undefined
  }
  if (contentType === 'application/cloudevents+json') return body === undefined ? undefined : [body]
  if (contentType !== 'application/json' || body === undefined) return undefined
  return Array.isArray(body) ? body : [body]
}
