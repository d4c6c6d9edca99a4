/** One request with events, and what its answer means for them. */
import {
  requestWithin,
  failureMessages,
  passingFailure,
  wrongSetupAfterMs,
  type EventOutcome,
  type EventRetry,
  type NetworkFailure,
} from '@token-meter/core/sink'
import type { CloudEvent } from './cloud-events.ts'
import type { IngestClient } from './options.ts'

/** Sends events in one request, once: the SDK has no retries of its own. Never throws. */
export async function ingest(
  client: IngestClient,
  events: readonly CloudEvent[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<EventOutcome> {
  // The SDK gives out neither the status of success nor any header; its fetch layer does.
  let response: Response | undefined
  const watch = {
    onResponse: (seen: { readonly response: Response }) => {
      response = seen.response
    },
  }
  try {
    await requestWithin(timeoutMs, signal, (own) => {
      const options = { signal: own, middleware: [watch] }
      return client.events.ingest([...events], options)
    })
    const answer = ingestAnswer(response, undefined)
    // A client that shows no response has given its word.
    return answer === undefined ? { status: 'accepted' } : outcomeOf(answer, undefined)
  } catch (error) {
    return outcomeOf(ingestAnswer(response, error), error)
  }
}

/** What is used of an answer, or of the error that the SDK made of it. */
interface IngestAnswer {
  readonly status: number
  readonly retryAfter: string | null
  /** It is a problem of RFC 7807, as all errors of OpenMeter are, and not a proxy's. */
  readonly isProblem: boolean
  /** What it says, or what went wrong in reading it. */
  readonly detail: string
}

/** The SDK's `HTTPError`, or what a client of the application throws. */
interface IngestError {
  readonly message?: unknown
  readonly status?: unknown
  getField?(name: string): unknown
}

/**
 * The answer, from the response where it was seen, else from the error; `undefined` where there was
 * none. The response wins: an error can also be that its body is not what the SDK expects.
 */
function ingestAnswer(response: Response | undefined, thrown: unknown): IngestAnswer | undefined {
  const error = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as IngestError
  const field = (name: string): unknown =>
    typeof error.getField === 'function' ? error.getField(name) : undefined
  const status = response?.status ?? error.status
  if (typeof status !== 'number') return undefined
  const contentType = response?.headers.get('content-type')
  return {
    status,
    retryAfter: response?.headers.get('retry-after') ?? null,
    isProblem:
      response === undefined
        ? field('title') !== undefined
        : contentType?.startsWith('application/problem+json') === true,
    detail: detailOf(field, error.message),
  }
}

/** v3 names the fields at fault in a list of its own. */
function detailOf(field: (name: string) => unknown, message: unknown): string {
  const fields = field('invalid_parameters')
  const parts = [field('detail') ?? field('title') ?? message ?? 'no message']
  if (fields !== undefined) parts.push(JSON.stringify(fields))
  return parts.map(String).join(' ').slice(0, 500)
}

/**
 * Only a problem of OpenMeter's own about the request itself (400, 422) blames an event, and only a 413
 * their number; every other 4xx blames the set-up, so that no mistake in it makes dead letters.
 */
function outcomeOf(answer: IngestAnswer | undefined, error: unknown): EventOutcome {
  const { status, isProblem, detail, retryAfter } = answer ?? {}
  // v1 answers 204, v3 202. A duplicate gets the same.
  if (status === 202 || status === 204) return { status: 'accepted' }
  if ((isProblem && (status === 400 || status === 422)) || status === 413) {
    const reason = `OpenMeter refused it (${status}): ${detail}`
    return { status: 'rejected', reason, code: 'refused' }
  }
  const passing = passingFailure({
    backend: 'OpenMeter',
    status,
    message: detail ?? failureMessages(error),
    retryAfter,
    cause: error as NetworkFailure | undefined,
    nowMs: Date.now(),
  })
  if (passing !== undefined) return passing
  if (status !== undefined && status < 300) {
    const reason = `not an answer of OpenMeter's (${status}): ${detail}`
    return { status: 'retry', scope: 'backend', reason, uncertain: true }
  }
  return wrongSetup(status, detail)
}

function wrongSetup(status: number | undefined, detail: string | undefined): EventRetry {
  const kept = 'the usage is kept and sent then.'
  const reason =
    status === 401
      ? `OpenMeter does not know the API key (401): set apiKey (OPENMETER_API_KEY) to a key that may ingest events; ${kept} ${detail}`
      : status === 403
        ? `OpenMeter does not let the API key ingest events (403): give it a role that may write events; ${kept} ${detail}`
        : `no OpenMeter takes events at this url (${status}): set url (OPENMETER_URL) to that of the server, such as http://localhost:8888; ${kept} ${detail}`
  return { status: 'retry', scope: 'account', reason, afterMs: wrongSetupAfterMs }
}
