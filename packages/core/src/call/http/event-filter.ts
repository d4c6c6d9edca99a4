import { parsedJson } from '../../lib/json.ts'
import type { PlainEvent } from '../../wire/endpoint.ts'
import { byteText, utf8Text } from './byte-text.ts'
import { EventTemplate, type Span } from './event-template.ts'
import { copyOf, joined } from './joined.ts'
import { objectMembers, onlyMember } from './json-members.ts'

/** Who looks at the events of a stream. */
export interface EventWatch {
  /** False where `push` returns each event as it is. */
  readonly rewrites?: boolean
  /** Returns the event as it is passed on, `undefined` to leave it out. */
  push(event: unknown): unknown
  /** Whether the event that was pushed last is one of many that differ in a text alone. */
  plain?(event: unknown): PlainEvent | undefined
  /** Such an event came, with this text. */
  skim?(plain: PlainEvent, text: string): void
  /** An event was too long to be kept, and went on as it came. */
  tooLong?(): void
}

type Bytes = Uint8Array

/** How events are told apart. All of it is asked of text that has one character for each byte. */
export interface Framing {
  /** Where the first event ends that ends behind `from`; `undefined` while none does for certain. */
  end(text: string, from: number): number | undefined
  /**
   * What an event says, and where its JSON begins if it stands there as it is.
   *
   * @param said the event as it reads.
   */
  data(
    said: string,
    text: string,
    block: Span,
  ): { readonly data: string; readonly json: number | undefined }
}

/** Events end with an empty line; what they say is in their lines of `data`. */
export const serverSentEvents: Framing = {
  end(text, from) {
    const end = text.indexOf('\n\n', from)
    // Carriage returns are rare, and JSON has none.
    if (text.slice(from, end < 0 ? undefined : end).includes('\r')) return mixedEnd(text, from)
    return end < 0 ? undefined : end + 2
  },
  data(said, text, block) {
    const end = said.indexOf('\n')
    if (said.startsWith('data:') && end === said.length - 2 && !said.includes('\r')) {
      const start = said[5] === ' ' ? 6 : 5
      return { data: said.slice(start, end), json: block.start + start }
    }
    const lines = said.split(/\r\n|\n|\r/).filter((line) => line.startsWith('data:'))
    const data = lines.map((line) => line.slice(line[5] === ' ' ? 6 : 5)).join('\n')
    if (lines.length !== 1) return { data, json: undefined }
    const place = /(?:^|[\r\n])data: ?/.exec(text.slice(block.start, block.end))
    if (place === null) return { data, json: undefined }
    return { data, json: block.start + place.index + place[0].length }
  },
}

/** A line is an event. In `application/json-seq` a mark stands before it. */
export const jsonLines: Framing = {
  end(text, from) {
    const end = text.indexOf('\n', from)
    return end < 0 ? undefined : end + 1
  },
  data(said, text, block) {
    let blanks = 0
    while (said.charCodeAt(blanks) <= 0x20) blanks++
    return { data: said.slice(blanks), json: block.start + blanks }
  },
}

const [lineFeed, carriageReturn] = [10, 13]

function mixedEnd(text: string, from: number): number | undefined {
  for (let index = from; index < text.length - 1; index++) {
    const code = text.charCodeAt(index)
    const next = text.charCodeAt(index + 1)
    if (code === lineFeed) {
      if (next === lineFeed) return index + 2
    } else if (code === carriageReturn) {
      // A lone carriage return at the very end may be half of a line ending.
      if (next === carriageReturn) return index + 2 < text.length ? index + 2 : undefined
      if (next === lineFeed && text.startsWith('\r\n', index + 2)) return index + 4
    }
  }
  return undefined
}

const empty: Bytes = new Uint8Array(0)
/** Beyond so many bytes an event is none that anybody would send: it is passed on and not read. */
const longestEvent = 32 * 2 ** 20
/** After so many events that were like none before a stream is one whose events are not alike. */
const mostInVain = 16
/** An event's end can begin in one piece and end in the next. */
const longestEnd = 4

/**
 * Follows the bytes of a stream of JSON events piece by piece, however it was cut, shows each event to an
 * observer, and returns the bytes to pass on. They differ from what came only where the observer hid
 * an event or left a null key out of one; every other byte stays, also such as are no UTF-8: what is
 * passed on is copied from what came, never made anew.
 *
 * An event that is like the one before but for its words is not parsed (`EventTemplate`).
 */
export class EventFilter {
  /** The beginning of an event. Copies: the caller may use the memory of what was pushed again. */
  #rest: Bytes[] = []
  #restLength = 0
  /** The last bytes of it. */
  #restEnd = ''
  /** The event that is under way is too long: its bytes are passed on until it ends. */
  #isPassing = false
  #isDone = false
  readonly #watch: EventWatch
  readonly #framing: Framing
  readonly #longest: number
  /** The event before, where the next ones may be like it. */
  #template: EventTemplate | undefined
  /** How often one was learnt since it was of use. */
  #inVain = 0
  /** What is hidden of the bytes under way: from where to before where, in turns. */
  readonly #hidden: number[] = []

  constructor(watch: EventWatch, framing: Framing = serverSentEvents, longest = longestEvent) {
    this.#watch = watch
    this.#framing = framing
    this.#longest = longest
  }

  /** The server has sent `[DONE]`: whoever reads no further has had it all. */
  get isDone(): boolean {
    return this.#isDone
  }

  push(piece: Bytes): Bytes {
    if (this.#restLength === 0 && !this.#isPassing) return this.#events(piece, byteText(piece))
    const end = this.#framing.end(this.#restEnd + byteText(piece), 0)
    if (end === undefined) return this.#keep(piece)
    if (this.#isPassing) {
      this.#isPassing = false
      const at = end - this.#restEnd.length
      this.#restEnd = ''
      const rest = piece.subarray(at)
      return joined([piece.subarray(0, at), this.#events(rest, byteText(rest))])
    }
    const bytes = joined([...this.#rest, piece])
    this.#forget()
    return this.#events(bytes, byteText(bytes))
  }

  /** What is left when the stream ends, as it is if it is no whole event. */
  flush(): Bytes {
    const rest = joined(this.#rest)
    this.#forget()
    if (rest.length === 0) return rest
    this.#read(rest, byteText(rest), { start: 0, end: rest.length })
    return this.#passOn(rest, rest.length)
  }

  #forget(): void {
    this.#rest = []
    this.#restLength = 0
    this.#restEnd = ''
  }

  /** An event goes on that has not ended. Returns what is passed on of it already. */
  #keep(piece: Bytes): Bytes {
    this.#restEnd = (this.#restEnd + byteText(piece, Math.max(0, piece.length - longestEnd))).slice(
      1 - longestEnd,
    )
    if (this.#isPassing) return piece
    this.#rest.push(copyOf(piece))
    this.#restLength += piece.length
    if (this.#restLength <= this.#longest) return empty
    const passed = joined(this.#rest)
    this.#rest = []
    this.#restLength = 0
    this.#isPassing = true
    this.#watch.tooLong?.()
    return passed
  }

  /** Looks at the events that are whole, and keeps the rest. */
  #events(bytes: Bytes, text: string): Bytes {
    let start = 0
    while (start < text.length) {
      const known = this.#skim(bytes, text, start)
      if (known !== undefined) {
        start = known
        continue
      }
      const end = this.#framing.end(text, start)
      if (end === undefined) break
      this.#read(bytes, text, { start, end })
      start = end
    }
    const passed = this.#passOn(bytes, start)
    return start < bytes.length ? joined([passed, this.#keep(bytes.subarray(start))]) : passed
  }

  /** The bytes before `end` without what was hidden of them. */
  #passOn(bytes: Bytes, end: number): Bytes {
    const hidden = this.#hidden
    if (hidden.length === 0) return end === bytes.length ? bytes : bytes.subarray(0, end)
    const passed = copyOf(bytes, 0, end)
    let length = hidden[0] as number
    for (let index = 1; index < hidden.length; index += 2) {
      const from = hidden[index] as number
      const to = hidden[index + 1] ?? end
      passed.copyWithin(length, from, to)
      length += to - from
    }
    hidden.length = 0
    return passed.subarray(0, length)
  }

  #hide(start: number, end: number): void {
    this.#hidden.push(start, end)
  }

  /** Returns where the event ends that begins at `start`, `undefined` where it has to be read. */
  #skim(bytes: Bytes, text: string, start: number): number | undefined {
    const template = this.#template
    if (template === undefined) return undefined
    const end = template.match(text, start)
    const words = end < 0 ? undefined : template.words(text, bytes)
    if (words === undefined) return undefined
    this.#inVain = 0
    this.#watch.skim?.(template.plain, words)
    template.hide(this.#hidden)
    return end
  }

  #read(bytes: Bytes, text: string, block: Span): void {
    const { data, json } = this.#framing.data(utf8Text(bytes, block.start, block.end), text, block)
    if (data === '[DONE]') this.#isDone = true
    const event = eventOf(data)
    this.#template = undefined
    if (event === undefined) return
    // The event may be changed by whoever it is shown to.
    const isLookedAt = this.#watch.rewrites === false
    const nullKeys = isLookedAt ? [] : Object.keys(event).filter((key) => event[key] === null)
    const shown = this.#watch.push(event) as object | undefined
    if (shown === undefined) return this.#hide(block.start, block.end)
    const taken = shown === event ? [] : nullKeys.filter((key) => !(key in shown))
    const hidden =
      json === undefined ? [] : taken.flatMap((key) => nullMember(text, json, key) ?? [])
    // JSON over several lines, or a key that is there twice.
    if (json === undefined || hidden.length < taken.length || hidden.length > 1) {
      return this.#hideInText(bytes, block, taken)
    }
    for (const { start, end } of hidden) this.#hide(start, end)
    // An end of carriage returns may be half of a longer one.
    if (this.#inVain >= mostInVain || text[block.end - 1] !== '\n') return
    const plain = this.#watch.plain?.(event)
    if (plain === undefined) return
    this.#inVain++
    this.#template = EventTemplate.of({ bytes, text, block, json, event, plain, hidden })
  }

  /** Wherever the keys are. */
  #hideInText(bytes: Bytes, block: Span, keys: readonly string[]): void {
    let text = byteText(bytes, block.start, block.end)
    const places = Array.from(text, (_, index) => block.start + index)
    for (const key of keys) {
      const pair = `"${key}"\\s*:\\s*null`
      const { 0: found, index } = new RegExp(`,\\s*${pair}|${pair}\\s*,?\\s*`).exec(text) ?? {
        0: '',
        index: 0,
      }
      text = text.slice(0, index) + text.slice(index + found.length)
      places.splice(index, found.length)
    }
    let next = block.start
    for (const place of [...places, block.end]) {
      if (place > next) this.#hide(next, place)
      next = place + 1
    }
  }
}

/** A member that is null, with the comma that goes with it. */
function nullMember(text: string, json: number, key: string): Span | undefined {
  const members = objectMembers(text, json)
  const member = onlyMember(members, key)
  if (member === undefined) return undefined
  const index = members.indexOf(member)
  const before = members[index - 1]
  if (before !== undefined) return { start: text.indexOf(',', before.end), end: member.end }
  const after = members[index + 1]
  return {
    start: member.keyStart,
    // With the blanks that are written between members.
    end: after === undefined ? member.end : after.keyStart,
  }
}

/** The event that a text is: an object. */
export function eventOf(text: string): Record<string, unknown> | undefined {
  return text.startsWith('{') ? (parsedJson(text) as Record<string, unknown>) : undefined
}
