import { classifyAnswer, type RequestOutcome } from './classify-answer.ts'
import type { CloudEvent } from './cloud-event.ts'
import { ingestAnswer } from './ingest-answer.ts'
import type { IngestClient } from './ingest-client.ts'
import { neverSent, type NetworkFailure } from './never-sent.ts'
import { onAbort } from './on-abort.ts'
import { untilAborted } from './until-aborted.ts'

/** Sends events in one request, once: the SDK has no retries of its own. Never throws. */
export async function postEvents(
  client: IngestClient,
  events: readonly CloudEvent[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<RequestOutcome> {
  const controller = new AbortController()
  const stopListening = onAbort(signal, () => controller.abort(signal.reason))
  const timer = setTimeout(() => {
    controller.abort(new Error(`it took longer than ${timeoutMs} ms`))
  }, timeoutMs)
  // The SDK gives out neither the status of success nor any header; its fetch layer does.
  let response: Response | undefined
  const watch = {
    onResponse: (seen: { readonly response: Response }) => {
      response = seen.response
    },
  }
  const options = { signal: controller.signal, middleware: [watch] }
  try {
    await untilAborted(client.events.ingest([...events], options), controller.signal)
    const answer = ingestAnswer(response, undefined)
    // A client that shows no response has given its word.
    return classifyAnswer(answer ?? taken, Date.now())
  } catch (error) {
    const answer = ingestAnswer(response, error)
    return answer === undefined ? unanswered(error) : classifyAnswer(answer, Date.now())
  } finally {
    clearTimeout(timer)
    stopListening()
  }
}

const taken = { status: 204, retryAfter: null, isProblem: false, detail: '' }

function unanswered(error: unknown): RequestOutcome {
  const reason = `no answer of OpenMeter's: ${messageOf(error)}`
  const uncertain = neverSent(error as NetworkFailure | undefined)
    ? {}
    : { uncertain: true as const }
  return { is: 'final', outcome: { status: 'retry', reason, ...uncertain } }
}

/** `fetch` itself says only that it failed. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? error.cause : undefined
  const why = cause === undefined ? '' : cause.message || (cause as { code?: string }).code || ''
  return why === '' ? error.message : `${error.message} (${why})`
}
