import type { PlainEvent } from '../../wire/endpoint.ts'
import { byteText, utf8Text } from './byte-text.ts'
import { objectMembers, onlyMember, valueAt } from './json-members.ts'

type Bytes = Uint8Array

/** A part of an event as it stands among the bytes, from `start` to before `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** An event that was read in full, and whose like are looked for. */
export interface ReadEvent {
  readonly bytes: Bytes
  /** `bytes`, one character for each. */
  readonly text: string
  /** All of it, with what frames it. */
  readonly block: Span
  /** Where its JSON begins. */
  readonly json: number
  readonly event: unknown
  readonly plain: PlainEvent
  /** What its caller does not get. */
  readonly hidden: readonly Span[]
}

/** What is not the same in every event. */
type Hole = 'text' | 'string' | 'number' | 'blank'

/** The places of one text. */
interface Place extends Span {
  readonly hole: Hole
}

/**
 * The event before, with places for the words in it. One that is the same but for its words does nothing
 * but add them to what was said, says the reader of the endpoint (`StreamReader.plain`), and every other
 * byte of it is known: it need not be parsed, which is most of what it costs to follow a stream, and
 * nothing that an event could say is missed. It is the event right before, so that whatever an event
 * sets, the last one has set.
 */
export class EventTemplate {
  readonly plain: PlainEvent
  readonly #literals: readonly string[]
  readonly #holes: readonly Hole[]
  /** In which literal something is hidden, and where in it. */
  readonly #hidden: readonly (readonly [literal: number, from: number, to: number])[]
  /** Where the literals stand in the event that was found. */
  readonly #starts: number[]
  #textStart = 0
  #textEnd = 0
  #isEscaped = false
  #isWide = false

  private constructor(
    plain: PlainEvent,
    literals: readonly string[],
    holes: readonly Hole[],
    hidden: readonly (readonly [number, number, number])[],
  ) {
    this.plain = plain
    this.#literals = literals
    this.#holes = holes
    this.#hidden = hidden
    this.#starts = literals.map(() => 0)
  }

  /** Learns from an event; `undefined` where it has not the form that its reader says. */
  static of({
    bytes,
    text,
    block,
    json,
    event,
    plain,
    hidden,
  }: ReadEvent): EventTemplate | undefined {
    const words = valueAt(text, json, plain.text)
    if (words === undefined || text[words.start] !== '"') return undefined
    const places: Place[] = [{ hole: 'text', start: words.start + 1, end: words.end - 1 }]
    const members = objectMembers(text, json)
    for (const key of plain.ignored ?? []) {
      const member = onlyMember(members, key)
      if (member === undefined) continue
      const { start, end } = member
      if (text[start] === '"') places.push({ hole: 'string', start: start + 1, end: end - 1 })
      else if (/^\d+$/.test(text.slice(start, end))) places.push({ hole: 'number', start, end })
    }
    const last = members.at(-1)?.end ?? block.end
    const close = text.indexOf('}', last)
    // Anthropic fills events up with blanks, so that their lengths say nothing.
    if (close > last) places.push({ hole: 'blank', start: last, end: close })
    places.sort((a, b) => a.start - b.start)

    // Read from the bytes: a part of a text keeps all of it in memory.
    const edges = [block.start, ...places.flatMap(({ start, end }) => [start, end]), block.end]
    const starts = edges.filter((_, index) => index % 2 === 0)
    const literals = starts.map((start, index) => byteText(bytes, start, edges[2 * index + 1]))
    const inLiteral = hidden.map(({ start, end }) => {
      const index = starts.findLastIndex((each) => each <= start)
      const from = start - (starts[index] as number)
      return [index, from, from + end - start] as const
    })
    if (inLiteral.some(([index, , to]) => to > (literals[index]?.length ?? 0))) return undefined
    const holes = places.map(({ hole }) => hole)
    const template = new EventTemplate(plain, literals, holes, inLiteral)
    const fits =
      template.match(text, block.start) === block.end &&
      template.words(text, bytes) === at(event, plain.text)
    return fits ? template : undefined
  }

  /** Returns where the event ends that begins at `start`, or -1 where it is another one. */
  match(text: string, start: number): number {
    const literals = this.#literals
    const holes = this.#holes
    const first = literals[0] as string
    let at = start + first.length
    if (text.slice(start, at) !== first) return -1
    this.#starts[0] = start
    for (let index = 0; index < holes.length; index++) {
      const hole = holes[index]
      if (hole === 'text') {
        this.#textStart = at
        let code = text.charCodeAt(at)
        let isEscaped = false
        let widest = 0
        while (code !== quote) {
          // The end of the text has no code, and a control character is no JSON.
          if (!(code >= space)) return -1
          if (code === backslash) {
            isEscaped = true
            at++
          } else if (code > widest) widest = code
          code = text.charCodeAt(++at)
        }
        this.#textEnd = at
        this.#isEscaped = isEscaped
        this.#isWide = widest > 0x7f
      } else if (hole === 'string') {
        let code = text.charCodeAt(at)
        while (code !== quote) {
          if (!(code >= space) || code === backslash) return -1
          code = text.charCodeAt(++at)
        }
      } else if (hole === 'number') {
        const from = at
        while (isDigit(text.charCodeAt(at))) at++
        if (at === from || (at > from + 1 && text.charCodeAt(from) === zero)) return -1
      } else {
        while (text.charCodeAt(at) === space) at++
      }
      const literal = literals[index + 1] as string
      // Six times as fast as `startsWith`.
      if (text.slice(at, at + literal.length) !== literal) return -1
      this.#starts[index + 1] = at
      at += literal.length
    }
    return at
  }

  /** The words of the event that was found; `undefined` where they are no JSON. */
  words(text: string, bytes: Bytes): string | undefined {
    const start = this.#textStart
    const end = this.#textEnd
    const words = this.#isWide ? utf8Text(bytes, start, end) : text.slice(start, end)
    if (!this.#isEscaped) return words
    try {
      return JSON.parse(`"${words}"`) as string
    } catch {
      return undefined
    }
  }

  /** Adds what the caller does not get of the event that was found: from where to before where. */
  hide(hidden: number[]): void {
    for (const [literal, from, to] of this.#hidden) {
      const start = this.#starts[literal] as number
      hidden.push(start + from, start + to)
    }
  }
}

function at(event: unknown, path: readonly (string | number)[]): unknown {
  let value = event
  for (const step of path) value = (value as Record<string | number, unknown> | undefined)?.[step]
  return value
}

const space = 0x20
const quote = 0x22
const zero = 0x30
const backslash = 0x5c

function isDigit(code: number): boolean {
  return code >= zero && code <= 0x39
}
