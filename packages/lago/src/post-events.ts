import { requestWithin, messageOf } from '@token-meter/core/sink'
import { classifyFailure } from './classify-failure.ts'
import type { LagoClient } from './lago-client.ts'
import type { RequestOutcome } from './request-outcome.ts'
import type { LagoEvent } from './to-lago-events.ts'

/** Sends up to 100 events in one request, once. Never throws. */
export async function postEvents(
  client: LagoClient,
  events: readonly LagoEvent[],
  signal: AbortSignal,
  timeoutMs: number,
): Promise<RequestOutcome> {
  if (signal.aborted) return stopped(signal)
  try {
    const { data } = await requestWithin(timeoutMs, signal, (own) =>
      client.events.createBatchEvents({ events: [...events] }, { signal: own, redirect: 'manual' }),
    )
    return takenBy(data, events) ?? notLagos
  } catch (error) {
    if (!signal.aborted) return classifyFailure(error, events.length, Date.now())
    const { is, retry } = stopped(signal)
    return { is, retry: { ...retry, uncertain: true } }
  }
}

/** What the answer says was taken; `undefined` when it is not Lago's. */
function takenBy(data: unknown, events: readonly LagoEvent[]): RequestOutcome | undefined {
  const taken = (data as { events?: unknown } | null)?.events
  if (!Array.isArray(taken)) return undefined
  const ids = taken.map((event: unknown) => (event as Partial<LagoEvent> | null)?.transaction_id)
  // The answer of a version that names none; all or nothing is its rule.
  const namesNone = ids.every((id) => id === undefined) && ids.length === events.length
  const named = namesNone ? events.map((event) => event.transaction_id) : ids
  return { is: 'answered', ids: new Set(named.filter((id) => id !== undefined)) }
}

const notLagos: RequestOutcome = {
  is: 'failed',
  retry: {
    status: 'retry',
    reason: "the answer is not Lago's: check that apiUrl is the address of Lago's API",
    uncertain: true,
  },
}

function stopped(signal: AbortSignal): Extract<RequestOutcome, { is: 'failed' }> {
  return {
    is: 'failed',
    retry: { status: 'retry', reason: `stopped before Lago answered: ${messageOf(signal.reason)}` },
  }
}
