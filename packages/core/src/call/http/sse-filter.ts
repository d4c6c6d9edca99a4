/** Who looks at the events of a stream. */
export interface EventWatch {
  /** Looks at one event; true when it must not be passed on. */
  see(event: unknown): boolean
  /** An event that is passed on, with the null keys that are left in it. */
  shown(event: unknown): unknown
}

const eventEnd = /\r\n\r\n|\n\n|\r\r/g

/**
 * Follows the text of a server-sent event stream piece by piece, however it was cut, shows each
 * JSON event to an observer, and answers the text to pass on. What is passed on differs from what
 * came only where the observer hid an event or left a null key out of one.
 */
export class SseFilter {
  #rest = ''
  readonly #watch: EventWatch

  constructor(watch: EventWatch) {
    this.#watch = watch
  }

  push(text: string): string {
    // What was searched in vain before need not be searched again, but for half of an event's end.
    let from = Math.max(0, this.#rest.length - 3)
    this.#rest += text
    let passed = ''
    for (;;) {
      eventEnd.lastIndex = from
      const end = eventEnd.exec(this.#rest)
      // A lone carriage return at the very end may be half of a line ending.
      if (end === null || (end[0] === '\r\r' && end.index + 2 === this.#rest.length)) return passed
      const length = end.index + end[0].length
      passed += this.#filtered(this.#rest.slice(0, length))
      this.#rest = this.#rest.slice(length)
      from = 0
    }
  }

  /** What is left when the stream ends, as it is if it is no whole event. */
  flush(): string {
    const rest = this.#rest
    this.#rest = ''
    return rest === '' ? '' : this.#filtered(rest)
  }

  #filtered(block: string): string {
    const data = block
      .split(/\r\n|\n|\r/)
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(line[5] === ' ' ? 6 : 5))
      .join('\n')
    const event = parseJson(data)
    if (event === undefined) return block
    const nullKeys = Object.keys(event).filter((key) => event[key] === null)
    if (this.#watch.see(event)) return ''
    const shown = this.#watch.shown(event) as object
    const taken = nullKeys.filter((key) => !(key in shown))
    return taken.reduce(withoutNullKey, block)
  }
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
