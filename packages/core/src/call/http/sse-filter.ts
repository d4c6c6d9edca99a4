/** Who looks at the events of a stream: returns each as it is passed on, `undefined` to leave it out. */
export interface EventWatch {
  push(event: unknown): unknown
}

type Bytes = Uint8Array

const [lineFeed, carriageReturn] = [10, 13]

/**
 * Follows the bytes of a server-sent event stream piece by piece, however it was cut, shows each JSON
 * event to an observer, and returns the bytes to pass on. They differ from what came only where the
 * observer hid an event or left a null key out of one; every other byte stays, also such as are no
 * UTF-8.
 */
export class SseFilter {
  #rest: Bytes = empty
  #isDone = false
  readonly #watch: EventWatch

  constructor(watch: EventWatch) {
    this.#watch = watch
  }

  /** The server has sent `[DONE]`: whoever reads no further has had it all. */
  get isDone(): boolean {
    return this.#isDone
  }

  push(piece: Bytes): Bytes {
    // What was searched in vain before need not be searched again, but for half of an event's end.
    let from = Math.max(0, this.#rest.length - 3)
    const bytes = joined([this.#rest, piece])
    const passed: Bytes[] = []
    let start = 0
    for (;;) {
      const end = eventEnd(bytes, from)
      if (end === undefined) break
      passed.push(this.#filtered(bytes.subarray(start, end)))
      start = end
      from = end
    }
    // A copy: the caller may use the memory of what was pushed again.
    this.#rest = bytes.slice(start)
    return joined(passed)
  }

  /** What is left when the stream ends, as it is if it is no whole event. */
  flush(): Bytes {
    const rest = this.#rest
    this.#rest = empty
    return rest.length === 0 ? rest : this.#filtered(rest)
  }

  #filtered(block: Bytes): Bytes {
    const data = utf8
      .decode(block)
      .split(/\r\n|\n|\r/)
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(line[5] === ' ' ? 6 : 5))
      .join('\n')
    if (data === '[DONE]') this.#isDone = true
    const event = parseJson(data)
    if (event === undefined) return block
    const nullKeys = Object.keys(event).filter((key) => event[key] === null)
    const shown = this.#watch.push(event) as object | undefined
    if (shown === undefined) return empty
    if (shown === event) return block
    const taken = nullKeys.filter((key) => !(key in shown))
    return fromBinary(taken.reduce(withoutNullKey, toBinary(block)))
  }
}

const empty: Bytes = new Uint8Array(0)
const utf8 = new TextDecoder()

/** Where the first event ends that ends behind `from`; `undefined` while none does for certain. */
function eventEnd(bytes: Bytes, from: number): number | undefined {
  for (let index = from; index < bytes.length - 1; index++) {
    const byte = bytes[index]
    const next = bytes[index + 1]
    if (byte === lineFeed) {
      if (next === lineFeed) return index + 2
    } else if (byte === carriageReturn) {
      // A lone carriage return at the very end may be half of a line ending.
      if (next === carriageReturn) return index + 2 < bytes.length ? index + 2 : undefined
      if (
        next === lineFeed &&
        bytes[index + 2] === carriageReturn &&
        bytes[index + 3] === lineFeed
      ) {
        return index + 4
      }
    }
  }
  return undefined
}

/** Pieces as one: the piece itself where only one has any bytes. */
export function joined(pieces: readonly Bytes[]): Bytes {
  const parts = pieces.filter(({ length }) => length > 0)
  if (parts.length < 2) return parts[0] ?? empty
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** One character for each byte, so that text can be edited whatever the bytes are. */
function toBinary(bytes: Bytes): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

function fromBinary(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

function withoutNullKey(block: string, key: string): string {
  const pair = `"${key}"\\s*:\\s*null`
  return block.replace(new RegExp(`,\\s*${pair}|${pair}\\s*,?`), '')
}

function parseJson(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
