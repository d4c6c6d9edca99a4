import type { ObservedCall, ObservedParts } from '../observed-call.ts'
import { StreamObservation } from '../stream-observation.ts'
import { SseFilter } from './sse-filter.ts'

/**
 * Follows the bytes of one response's body, for whoever passes them on: a `Response`, a proxy with
 * Node streams. None of its methods ever throws. One of `finish` and `interrupt` ends it.
 */
export interface BodyObserver {
  /** False when `push` returns every byte as it came, and `finish` none. */
  readonly rewrites: boolean
  /** The server has said its last word, though nobody has read on to the end. */
  readonly isOver: boolean
  /** A piece of the body; what it returns is what the caller gets. */
  push(piece: Uint8Array): Uint8Array
  /** The body is complete; what it returns is the last the caller gets. */
  finish(): Uint8Array
  /** The caller left, or the connection broke. */
  interrupt(): void
}

/** True for a body that nothing can be read from, such as audio: it is not looked at, nor kept. */
export function isOpaque({ endpoint }: ObservedCall, contentType: string): boolean {
  return endpoint.content === 'binary' && !isEventStream(contentType)
}

/**
 * An observer for the raw body of a call's response. The call's `headers` are set before.
 *
 * @param contentType of the response: `text/event-stream` is read event by event, in constant memory;
 * of anything else the whole is kept until it has come.
 */
export function observeBody(call: ObservedCall, contentType: string): BodyObserver {
  if (isOpaque(call, contentType)) return opaqueBody(call)
  if (call.parts !== undefined && call.endpoint.content === 'lines')
    return jsonLines(call, call.parts)
  const observation = isEventStream(contentType) ? StreamObservation.open(call) : undefined
  return observation === undefined ? wholeBody(call) : eventStream(observation)
}

function isEventStream(contentType: string): boolean {
  return contentType.includes('text/event-stream')
}

const nothing = new Uint8Array(0)

function eventStream(observation: StreamObservation): BodyObserver {
  const { rewrites } = observation
  const filter = new SseFilter(observation)
  return {
    rewrites,
    get isOver() {
      return filter.isDone
    },
    push(piece) {
      const passed = filter.push(piece)
      // Where nothing is hidden nothing is held back either, not even half an event.
      return rewrites ? passed : piece
    },
    finish() {
      const rest = filter.flush()
      observation.end('complete')
      return rewrites ? rest : nothing
    },
    interrupt: () => observation.end(filter.isDone ? 'complete' : 'interrupted'),
  }
}

/** Looked at line by line, in constant memory: what many requests used is a large file. */
function jsonLines(call: ObservedCall, parts: ObservedParts): BodyObserver {
  const decoder = new TextDecoder()
  let rest = ''
  const seeLine = (line: string): void => {
    const json = parsed(line)
    if (json === undefined) return parts.skip()
    try {
      parts.see(json)
    } catch (cause) {
      call.fault('a line of an answer could not be read', cause)
    }
  }
  const see = (text: string): void => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    lines.forEach(seeLine)
    call.stored = parts.stored
  }
  return {
    rewrites: false,
    isOver: false,
    push(piece) {
      see(decoder.decode(piece, { stream: true }))
      return piece
    },
    finish() {
      see(`${decoder.decode()}\n`)
      parts.ended()
      call.dismiss()
      return nothing
    },
    interrupt: () => call.dismiss(),
  }
}

function wholeBody(call: ObservedCall): BodyObserver {
  const decoder = new TextDecoder()
  let body = ''
  return {
    rewrites: false,
    isOver: false,
    push(piece) {
      body += decoder.decode(piece, { stream: true })
      return piece
    },
    finish() {
      body += decoder.decode()
      try {
        call.respond(JSON.parse(body))
      } catch {
        // Not JSON: a plain-text answer, which carries no usage.
        if (call.endpoint.content === 'text') call.respond(body)
        else call.abandon()
      }
      return nothing
    },
    interrupt: () => call.abandon(),
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch {
    return undefined
  }
}

function opaqueBody(call: ObservedCall): BodyObserver {
  call.respond(undefined)
  const push = (piece: Uint8Array) => piece
  return { rewrites: false, isOver: false, push, finish: () => nothing, interrupt: () => {} }
}
