import { SseFilter } from './sse-filter.ts'
import type { ObservedCall } from '../observed-call.ts'
import { StreamObservation } from '../stream-observation.ts'

/** Follows the text of a raw response body. None of its methods ever throws. */
export interface BodyObserver {
  /** False when the caller must get the body's own bytes, which then are not always text. */
  readonly rewrites: boolean
  /** A piece of the body; what it returns is what the caller gets. */
  push(text: string): string
  /** The body is complete; what it returns is the last the caller gets. */
  finish(): string
  /** The caller left, or the connection broke. */
  interrupt(): void
}

/** True for a body that nothing can be read from, such as audio: it is not looked at, nor kept. */
export function isOpaque({ endpoint }: ObservedCall, contentType: string): boolean {
  return endpoint.content === 'binary' && !contentType.includes('text/event-stream')
}

/** An observer for the raw body of a call's response, by its content type. */
export function observeBody(call: ObservedCall, contentType: string): BodyObserver {
  const observation = contentType.includes('text/event-stream')
    ? StreamObservation.open(call)
    : undefined
  return observation === undefined ? jsonBody(call) : sseBody(observation)
}

function sseBody(observation: StreamObservation): BodyObserver {
  const { hides } = observation
  const filter = new SseFilter(observation)
  return {
    rewrites: hides,
    push(text) {
      const passed = filter.push(text)
      // Where nothing is hidden nothing is held back either, not even half an event.
      return hides ? passed : text
    },
    finish() {
      const rest = filter.flush()
      observation.end('complete')
      return hides ? rest : ''
    },
    interrupt: () => observation.end('interrupted'),
  }
}

function jsonBody(call: ObservedCall): BodyObserver {
  const pieces: string[] = []
  return {
    rewrites: false,
    push: (text) => {
      pieces.push(text)
      return text
    },
    finish: () => {
      const body = pieces.join('')
      try {
        call.respond(JSON.parse(body))
      } catch {
        // Not JSON: a plain-text answer, which carries no usage.
        if (call.endpoint.content === 'text') call.respond(body)
        else call.abandon()
      }
      return ''
    },
    interrupt: () => call.abandon(),
  }
}
