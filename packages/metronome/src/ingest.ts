/** One request with events, and what its answer means for them. */
import {
  requestWithin,
  failureMessages,
  messageOf,
  passingFailure,
  withoutKey,
  wrongSetupAfterMs,
  type EventOutcome,
  type NetworkFailure,
} from '@token-meter/core/sink'
import type { MetronomeClient } from './metronome-client.ts'
import type { MetronomeEvent } from './metronome-events.ts'

/** Sends up to 100 events in one request, once. Never throws. */
export async function ingest(
  client: MetronomeClient,
  events: readonly MetronomeEvent[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<EventOutcome> {
  let ending: AbortSignal | undefined
  try {
    return await requestWithin(timeoutMs, signal, (own) => {
      ending = own
      return request(client, events, timeoutMs, own)
    })
  } catch (error) {
    if (ending?.aborted === false) return outcomeOf(error as MetronomeFailure, Date.now())
    const reason = `stopped before Metronome answered: ${messageOf((ending ?? signal).reason)}`
    return { status: 'retry', scope: 'backend', reason, uncertain: true }
  }
}

async function request(
  client: MetronomeClient,
  events: readonly MetronomeEvent[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<EventOutcome> {
  const answer = await client.v1.usage
    .ingest(
      { usage: [...events] },
      {
        // To try again is the delivery's.
        maxRetries: 0,
        // The SDK's own time ends with the headers.
        timeout: timeoutMs,
        signal,
        // Followed, a redirect would make a GET of it, whose empty answer looks like success.
        fetchOptions: { redirect: 'manual' },
      },
    )
    .asResponse()
  if (isSuccess(await answer.text())) return { status: 'accepted' }
  const reason = "the answer was success, but not Metronome's, whose is empty: check baseUrl"
  return { status: 'retry', scope: 'backend', reason, uncertain: true }
}

/**
 * Metronome's answer is empty. Should it come to say more, as its other answers do (`data`), that
 * must not stop all billing.
 */
function isSuccess(body: string): boolean {
  if (body.trim() === '') return true
  try {
    const json: unknown = JSON.parse(body)
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return false
    return 'data' in json || Object.keys(json).length === 0
  } catch {
    return false
  }
}

/** What is used of the errors of `@metronome/sdk`. */
interface MetronomeFailure {
  readonly status?: number | undefined
  readonly message?: string | undefined
  readonly headers?: { get(name: string): string | null } | undefined
  /** The body, where it was JSON. */
  readonly error?: unknown
  /** What broke the connection. */
  readonly cause?: NetworkFailure | undefined
}

/**
 * Only a refusal of what the events hold, and in Metronome's own words, can make dead letters. What
 * concerns the account or the address is a retry, as is what passes.
 */
function outcomeOf(failure: MetronomeFailure, nowMs: number): EventOutcome {
  const { status, message = 'no message', headers, cause } = failure
  const passing = passingFailure({
    backend: 'Metronome',
    status,
    message: status === undefined ? failureMessages(failure) : message,
    retryAfter: headers?.get('retry-after'),
    cause,
    nowMs,
  })
  if (passing !== undefined) {
    const isCrash = status !== undefined && status >= 500
    return isCrash ? { ...passing, suspect: 'crash' } : passing
  }
  if (status === 400 || status === 413 || status === 422) {
    if (isMetronomes(failure)) {
      return { status: 'rejected', reason: `Metronome refused it: ${message}`, code: 'refused' }
    }
    // Of a proxy, say. It had no effect, and is nobody's verdict on the events.
    const reason = `something refused the request, and not in Metronome's way: ${message}`
    return { status: 'retry', scope: 'event', reason, suspect: 'refusal' }
  }
  const reason = wrongSetup(status, message, headers?.get('location'))
  return { status: 'retry', scope: 'account', reason, afterMs: wrongSetupAfterMs }
}

/** True for a body like Metronome's, `{"message": "..."}`, and not an error page of a proxy. */
function isMetronomes({ error }: MetronomeFailure): boolean {
  if (typeof error !== 'object' || error === null || !('message' in error)) return false
  return typeof error.message === 'string'
}

function wrongSetup(
  status: number | undefined,
  message: string,
  location: string | null = null,
): string {
  const then = 'the usage is kept and sent then.'
  if (status === 401) {
    return `Metronome does not know the API key (401): set bearerToken to an API token of the environment to bill in; ${then}`
  }
  if (status === 403) {
    return `Metronome does not let the API key ingest usage (403): give bearerToken a scope with the endpoint /v1/ingest; ${then} It said: ${message}`
  }
  const where = 'set baseUrl (or METRONOME_BASE_URL) to https://api.metronome.com, or leave it out;'
  if (status !== undefined && status < 400) {
    return `the address answers with a redirect to ${location ?? 'nowhere'} (${status}): ${where} ${then}`
  }
  return `Metronome is not at this address (${status}): ${where} ${then} It said: ${message}`
}

/** A proxy's error page can be long, and a reason is kept with every record. */
const longestReason = 300

/** A text of somebody else's, so that it can be shown: without the token, on one line, not long. */
export function readable(text: string, bearerToken: string | undefined): string {
  const withoutOwn = withoutKey(text, bearerToken, '[token]')
  // Cut last: half a token would not be found.
  const line = withoutOwn.replace(/\bbearer\s+[\w.~+/=-]+/gi, 'Bearer [token]').replace(/\s+/g, ' ')
  return line.length > longestReason ? `${line.slice(0, longestReason)}…` : line
}
