import { parsedJson } from '../../lib/json.ts'
import type { ObservedCall } from '../observed-call.ts'
import type { ObservedParts } from '../record-sink.ts'
import { StreamObservation } from '../stream-observation.ts'
import type { StreamStop } from '../stream-progress.ts'
import { ArrayItems } from './array-items.ts'
import { respondInPart } from './cut-json.ts'
import { EventFilter, eventOf, jsonLines } from './event-filter.ts'
import { EventFrames } from './event-frames.ts'
import { JsonOutline } from './json-outline.ts'
import { FirstLine, mayBeginEvents } from './lost-type.ts'
import { Lines } from './lines.ts'

/**
 * Follows the bytes of one response's body, for whoever passes them on: a `Response`, a proxy with
 * Node streams. None of its methods ever throws. One of `finish` and `interrupt` ends it.
 */
export interface BodyObserver {
  /** False when `push` returns every byte as it came, and `finish` none. */
  readonly rewrites: boolean
  /** The server has said its last word, though nobody has read on to the end. */
  readonly isOver: boolean
  /** The model is done, and what it used has yet to come. @default false */
  readonly awaitsUsage?: boolean
  /** A piece of the body; what it returns is what the caller gets. */
  push(piece: Uint8Array): Uint8Array
  /** The body is complete; what it returns is the last the caller gets. */
  finish(): Uint8Array
  /** The caller left, or the connection broke. */
  interrupt(): void
  /** Set once the guard of the call has stopped the stream: whoever reads on is to get the reason. */
  readonly stopped?: StreamStop | undefined
  /** Has a listener called when that happens, which closes the connection; it lives as long as `reading`. */
  whenStopped?(reading: object, listener: () => void): void
}

/** True for a body that nothing can be read from, such as audio: it is not looked at, nor kept. */
export function isOpaque({ endpoint }: ObservedCall, contentType: string): boolean {
  return endpoint.content === 'binary' && framingOf(contentType) === undefined
}

/**
 * An observer for the raw body of a call's response. The call's `headers` are set before.
 *
 * @param contentType of the response. What is a stream of events by it is read event by event, in
 * constant memory, each pushed into the endpoint's `StreamReader` while the bytes go on:
 *
 * - `text/event-stream`: an event is the JSON of its `data`;
 * - `application/x-ndjson`, `application/jsonl`, `application/json-seq` and other names of theirs: an
 *   event is a line;
 * - `application/vnd.amazon.eventstream`: an event is what the AWS SDK shows of a frame, an object with
 *   one key: `{ metadata: { usage, ... } }`, `{ chunk: { bytes } }`, `{ throttlingException: { ... } }`;
 * - anything else whose body is a JSON array, of an endpoint that streams: an event is an object of it;
 * - anything else whose body begins as an event stream does, of such an endpoint, or is no JSON and has one
 *   object a line: proxies lose the type of what they pass on. Of these nothing is hidden.
 *
 * What is no JSON is none, and is passed over. Of any other body the whole is kept until it has come;
 * where that is more than words make it, without its images, sound and vectors.
 */
export function observeBody(call: ObservedCall, contentType: string): BodyObserver {
  if (isOpaque(call, contentType)) return opaqueBody(call)
  if (call.parts !== undefined && call.endpoint.content === 'lines')
    return linesOfParts(call, call.parts)
  const framing = framingOf(contentType)
  const observation = framing === undefined ? undefined : StreamObservation.open(call)
  if (observation === undefined) return wholeBody(call)
  if (framing === 'sse') return eventStream(observation)
  return framing === 'lines' ? eventLines(observation) : eventFrames(observation)
}

/** The whole answer of a call, parsed. */
export function respond(call: ObservedCall, answer: unknown): void {
  const observation = Array.isArray(answer) ? StreamObservation.open(call) : undefined
  if (observation === undefined) return call.respond(answer)
  for (const event of answer as readonly unknown[]) observation.push(event)
  observation.end('complete')
}

const jsonLinesType = /\b(?:x-)?(?:ndjson|json-?lines|jsonl|json-seq|json-stream|stream\+json)\b/

function framingOf(contentType: string): 'sse' | 'lines' | 'frames' | undefined {
  const type = contentType.toLowerCase()
  if (type.includes('text/event-stream')) return 'sse'
  if (type.includes('application/vnd.amazon.eventstream')) return 'frames'
  return jsonLinesType.test(type) ? 'lines' : undefined
}

const nothing = new Uint8Array(0)

function eventStream(observation: StreamObservation): BodyObserver {
  const filter = new EventFilter(observation)
  return filtered(observation, filter, () => filter.isDone)
}

/** Nothing says that a line is the last but what it holds. */
function eventLines(observation: StreamObservation): BodyObserver {
  return filtered(observation, new EventFilter(observation, jsonLines), () => observation.isOver)
}

/** A stream of events that may be hidden from the caller. */
function filtered(
  observation: StreamObservation,
  filter: EventFilter,
  isOver: () => boolean,
): BodyObserver {
  const { rewrites } = observation
  return {
    rewrites,
    get isOver() {
      return isOver()
    },
    get awaitsUsage() {
      return observation.awaitsUsage
    },
    get stopped() {
      return observation.stopped
    },
    whenStopped: (reading, listener) => observation.whenStopped(reading, listener),
    push(piece) {
      const passed = filter.push(piece)
      // Some SDKs read no further, and leave the response as it is.
      if (isOver()) observation.end('complete')
      // Where nothing is hidden nothing is held back either, not even half an event.
      return rewrites ? passed : piece
    },
    finish() {
      const rest = filter.flush()
      observation.end('complete')
      return rewrites ? rest : nothing
    },
    interrupt: () => observation.end(isOver() ? 'complete' : 'interrupted'),
  }
}

function eventFrames(observation: StreamObservation): BodyObserver {
  const frames = new EventFrames({
    event: (event) => void observation.push(event),
    lost: () => observation.call.report('a streamed answer is none of AWS, as its type says'),
  })
  const cutter = { push: (piece: Uint8Array) => frames.push(piece), flush: () => {} }
  return followed(observation, cutter, () => observation.isOver)
}

function arrayItems(observation: StreamObservation): BodyObserver {
  const decoder = new TextDecoder()
  const items = new ArrayItems({
    item(text) {
      const event = eventOf(text)
      if (event !== undefined) observation.push(event)
    },
    tooLong: () => observation.tooLong(),
  })
  const cutter = {
    push: (piece: Uint8Array) => items.push(decoder.decode(piece, { stream: true })),
    flush: () => items.push(decoder.decode()),
  }
  return followed(observation, cutter, () => items.isOver)
}

/** A stream of events that are looked at, while its bytes go on as they come. */
function followed(
  observation: StreamObservation,
  cutter: { push(piece: Uint8Array): void; flush(): void },
  isOver: () => boolean,
): BodyObserver {
  return {
    rewrites: false,
    get isOver() {
      return isOver()
    },
    get awaitsUsage() {
      return observation.awaitsUsage
    },
    get stopped() {
      return observation.stopped
    },
    whenStopped: (reading, listener) => observation.whenStopped(reading, listener),
    push(piece) {
      cutter.push(piece)
      // Some SDKs read no further, and leave the response as it is.
      if (isOver()) observation.end('complete')
      return piece
    },
    finish() {
      cutter.flush()
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
      // Another call has the same answer.
      if (call.settled) return
      const json = parsedJson(text)
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

/** A piece is no longer than this when it is looked at: of one that has all of a body no copy is made. */
const longestPiece = 2 ** 16

function wholeBody(call: ObservedCall): BodyObserver {
  const decoder = new TextDecoder()
  const outline = new JsonOutline()
  /** What follows the body once its first character says that it is an array of events. */
  let events: BodyObserver | undefined
  /** What follows one whose first line says that each is an event. */
  let lines: ((piece: Uint8Array) => void) | undefined
  let firstLine: FirstLine | undefined
  let hasBegun = false
  const see = (piece: Uint8Array): void => {
    if (!hasBegun) {
      const first = piece.find((byte) => !isBlank(byte))
      if (first === undefined) return
      hasBegun = true
      firstLine = FirstLine.of(first, call.endpoint)
      if (first === openBracket || mayBeginEvents(first, call.endpoint)) {
        const observation = StreamObservation.open(call)
        const follow = first === openBracket ? arrayItems : eventStream
        events = observation && follow(observation)
      }
    }
    if (lines !== undefined) return lines(piece)
    if (events !== undefined) return void events.push(piece)
    const text = decoder.decode(piece, { stream: true })
    outline.push(text)
    const begun = firstLine?.push(text)
    const observation = begun === undefined ? undefined : StreamObservation.open(call)
    if (begun === undefined || observation === undefined) return
    const followed = eventLines(observation)
    const encoder = new TextEncoder()
    events = followed
    // Through the decoder, which may have begun a character.
    lines = (more) => void followed.push(encoder.encode(decoder.decode(more, { stream: true })))
    followed.push(encoder.encode(begun))
  }
  return {
    rewrites: false,
    get isOver() {
      return events?.isOver === true
    },
    push(piece) {
      for (let at = 0; at < piece.length; at += longestPiece) {
        see(piece.subarray(at, at + longestPiece))
      }
      return piece
    },
    finish() {
      if (events !== undefined) {
        events.finish()
        return nothing
      }
      outline.push(decoder.decode())
      const { text } = outline
      if (text === undefined) {
        call.fault('an answer is too long to be read')
        return nothing
      }
      const json = parsedJson(text)
      if (json !== undefined) call.respond(json)
      // A plain-text answer, which carries no usage.
      else if (call.endpoint.content === 'text') call.respond(text)
      else respondInPart(call, text)
      return nothing
    },
    interrupt: () =>
      events === undefined ? respondInPart(call, outline.text) : events.interrupt(),
  }
}

const openBracket = 0x5b

/** White space, and the bytes of a byte order mark. */
function isBlank(byte: number): boolean {
  return byte <= 0x20 || byte === 0xef || byte === 0xbb || byte === 0xbf
}

function opaqueBody(call: ObservedCall): BodyObserver {
  call.respond(undefined)
  const push = (piece: Uint8Array) => piece
  return { rewrites: false, isOver: false, push, finish: () => nothing, interrupt: () => {} }
}
