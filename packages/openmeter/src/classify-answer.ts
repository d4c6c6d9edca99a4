import { retryAfterMs, type EventOutcome, type EventRetry } from '@token-meter/core/sink'
import type { IngestAnswer } from './ingest-answer.ts'

/**
 * What became of all events of a request. `refused`: none was taken, and one of them, or their
 * number, is to blame.
 */
export type RequestOutcome =
  | { readonly is: 'final'; readonly outcome: EventOutcome }
  | { readonly is: 'refused'; readonly reason: string }

/** A key or an address is set right by a person, so there is no hurry; nothing is given up. */
const wrongSetupAfterMs = 60_000

/**
 * What an answer means for the events of its request. Only a problem of OpenMeter's own about the
 * request itself (400, 422) blames an event; every other 4xx blames the set-up, so that no mistake
 * in it makes dead letters.
 */
export function classifyAnswer(answer: IngestAnswer, nowMs: number): RequestOutcome {
  const { status, isProblem, detail } = answer
  const afterMs = retryAfterMs(answer.retryAfter, nowMs)
  // v1 answers 204, v3 202. A duplicate gets the same.
  if (status === 202 || status === 204) return { is: 'final', outcome: { status: 'accepted' } }
  if ((isProblem && (status === 400 || status === 422)) || status === 413) {
    return { is: 'refused', reason: `OpenMeter refused it (${status}): ${detail}` }
  }
  if (status >= 500) {
    return retry({ reason: `OpenMeter failed (${status}): ${detail}`, afterMs, uncertain: true })
  }
  if (status < 300) {
    return retry({ reason: `not an answer of OpenMeter's (${status}): ${detail}`, uncertain: true })
  }
  if (status === 429) {
    return retry({ reason: `too many requests for OpenMeter (429): ${detail}`, afterMs })
  }
  if (status === 408 || status === 409 || status === 425) {
    return retry({ reason: `OpenMeter is busy (${status}): ${detail}`, afterMs })
  }
  return retry({ reason: setupReason(status, detail), afterMs: wrongSetupAfterMs })
}

function retry(outcome: Omit<EventRetry, 'status'>): RequestOutcome {
  return { is: 'final', outcome: { status: 'retry', ...outcome } }
}

const kept = 'the usage is kept and sent then.'

function setupReason(status: number, detail: string): string {
  if (status === 401) {
    return `OpenMeter does not know the API key (401): set apiKey (OPENMETER_API_KEY) to a key that may ingest events; ${kept} ${detail}`
  }
  if (status === 403) {
    return `OpenMeter does not let the API key ingest events (403): give it a role that may write events; ${kept} ${detail}`
  }
  return `no OpenMeter takes events at this url (${status}): set url (OPENMETER_URL) to that of the server, such as http://localhost:8888; ${kept} ${detail}`
}
