import { requestWithin, messageOf } from '@token-meter/core/sink'
import { classifyFailure, isMetronomes, type MetronomeFailure } from './classify-failure.ts'
import type { MetronomeClient } from './metronome-client.ts'
import type { MetronomeEvent } from './metronome-event.ts'
import type { Outcome } from './outcome.ts'

/** Sends up to 100 events in one request, once. Never throws. */
export async function postEvents(
  client: MetronomeClient,
  events: readonly MetronomeEvent[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
  let ending: AbortSignal | undefined
  try {
    return await requestWithin(timeoutMs, signal, (own) => {
      ending = own
      return request(client, events, timeoutMs, own)
    })
  } catch (error) {
    if (ending?.aborted === false) return refusedOrFailed(error as MetronomeFailure)
    const why = messageOf((ending ?? signal).reason)
    const reason = `stopped before Metronome answered: ${why}`
    return { status: 'retry', cause: 'failure', reason, uncertain: true }
  }
}

async function request(
  client: MetronomeClient,
  events: readonly MetronomeEvent[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
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
  return { status: 'retry', cause: 'failure', reason, uncertain: true }
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

function refusedOrFailed(failure: MetronomeFailure): Outcome {
  const outcome = classifyFailure(failure, Date.now())
  if (outcome.status !== 'refused' || isMetronomes(failure)) return outcome
  // Of a proxy, say. It had no effect, and is nobody's verdict on the events.
  const reason = `something refused the request, and not in Metronome's way: ${failure.message ?? ''}`
  return { status: 'retry', cause: 'event', reason }
}
