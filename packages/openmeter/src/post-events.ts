import { requestWithin, neverSent, type NetworkFailure } from '@token-meter/core/sink'
import { classifyAnswer, type RequestOutcome } from './classify-answer.ts'
import type { CloudEvent } from './cloud-event.ts'
import { ingestAnswer } from './ingest-answer.ts'
import type { IngestClient } from './ingest-client.ts'

/** Sends events in one request, once: the SDK has no retries of its own. Never throws. */
export async function postEvents(
  client: IngestClient,
  events: readonly CloudEvent[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<RequestOutcome> {
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
    return classifyAnswer(answer ?? taken, Date.now())
  } catch (error) {
    const answer = ingestAnswer(response, error)
    return answer === undefined ? unanswered(error) : classifyAnswer(answer, Date.now())
  }
}

const taken = { status: 204, retryAfter: null, isProblem: false, detail: '' }

function unanswered(error: unknown): RequestOutcome {
  const reason = `no answer of OpenMeter's: ${messagesOf(error)}`
  const uncertain = neverSent(error as NetworkFailure | undefined)
    ? {}
    : { uncertain: true as const }
  return { is: 'final', outcome: { status: 'retry', reason, ...uncertain } }
}

/** `fetch` itself says only that it failed. */
function messagesOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? error.cause : undefined
  const why = cause === undefined ? '' : cause.message || (cause as { code?: string }).code || ''
  return why === '' ? error.message : `${error.message} (${why})`
}
