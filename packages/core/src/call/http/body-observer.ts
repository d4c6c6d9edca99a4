import type { ObservedCall, ObservedParts } from '../observed-call.ts'
import { StreamObservation } from '../stream-observation.ts'
import { Lines } from './lines.ts'
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
  return endpoint.content === 'binary' && framingOf(contentType) === undefined
}

/**
 * An observer for the raw body of a call's response. The call's `headers` are set before.
 *
 * @param contentType of the response. What is a stream of events by it is read event by event, in
 * constant memory, each pushed into the endpoint's `StreamReader` while the bytes go on; of anything
 * else the whole is kept until it has come. Streams of events are
 *
 * - `text/event-stream`: an event is the JSON of its `data`;
 * - `application/x-ndjson`, `application/jsonl`, `application/json-seq` and other names of theirs: an
 *   event is a line.
 *
 * What is no JSON is none, and is passed over.
 */
export function observeBody(call: ObservedCall, contentType: string): BodyObserver {
  if (isOpaque(call, contentType)) return opaqueBody(call)
  if (call.parts !== undefined && call.endpoint.content === 'lines')
    return linesOfParts(call, call.parts)
  const framing = framingOf(contentType)
  const observation = framing === undefined ? undefined : StreamObservation.open(call)
  if (observation === undefined) return wholeBody(call)
  return framing === 'lines' ? eventLines(observation) : eventStream(observation)
}

const jsonLinesType = /\b(?:x-)?(?:ndjson|json-?lines|jsonl|json-seq|json-stream|stream\+json)\b/

function framingOf(contentType: string): 'sse' | 'lines' | undefined {
  const type = contentType.toLowerCase()
  if (type.includes('text/event-stream')) return 'sse'
  return jsonLinesType.test(type) ? 'lines' : undefined
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
      if (filter.isDone) observation.end('complete')
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

/** Each line is an event, and nothing says that one is the last but what it holds. */
function eventLines(observation: StreamObservation): BodyObserver {
  const { call } = observation
  const lines = new Lines({
    line(text) {
      const event = text.startsWith('{') ? parsed(text) : undefined
      if (event !== undefined) observation.push(event)
    },
    tooLong: () => call.report('a line of a streamed answer is too long to be read'),
  })
  return {
    rewrites: false,
    get isOver() {
      return observation.isOver
    },
    push(piece) {
      lines.push(piece)
      // Some SDKs read no further, and leave the response as it is.
      if (observation.isOver) observation.end('complete')
      return piece
    },
    finish() {
      lines.flush()
      observation.end('complete')
      return nothing
    },
    interrupt: () => observation.end('interrupted'),
  }
}

/** Looked at line by line, in constant memory: what many requests used is a large file. */
function linesOfParts(call: ObservedCall, parts: ObservedParts): BodyObserver {
  const lines = new Lines({
    line(text) {
      const json = parsed(text)
      if (json === undefined) return parts.skip()
      try {
        parts.see(json)
      } catch (cause) {
        call.fault('a line of an answer could not be read', cause)
      }
    },
    tooLong() {
      parts.skip()
      call.report('a line of an answer is too long to be read: what it tells of is not metered')
    },
  })
  return {
    rewrites: false,
    isOver: false,
    push(piece) {
      lines.push(piece)
      call.stored = parts.stored
      return piece
    },
    finish() {
      lines.flush()
      call.stored = parts.stored
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
