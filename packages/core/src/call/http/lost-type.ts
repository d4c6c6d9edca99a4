/**
 * What streams look like whose type a proxy has lost: one that says `application/json` or nothing may pass
 * on an event stream, or lines of JSON.
 */
import { parsedJson } from '../../lib/json.ts'
import type { Endpoint } from '../../wire/endpoint.ts'

/** What begins as `data:`, `event:`, `id:`, `retry:` or a comment does, and is neither JSON nor a text. */
export function mayBeginEvents(first: number, { content }: Endpoint): boolean {
  return content === undefined && ':deir'.includes(String.fromCharCode(first))
}

/** Longer than this is no line of a stream that anybody would send without its type. */
const longest = 2 ** 16

/** Says of a body that begins with an object whether it has one on each line. */
export class FirstLine {
  /** `undefined` once it has none. */
  #text: string | undefined = ''
  #isWhole = false

  /** @param first the first byte of the body. `undefined` for what is no object, or does not stream. */
  static of(first: number, { openStream }: Endpoint): FirstLine | undefined {
    return first === openBrace && openStream !== undefined ? new FirstLine() : undefined
  }

  /** @returns all that has come, once it is certain that there are lines. */
  push(text: string): string | undefined {
    if (this.#text === undefined) return undefined
    const before = this.#text.length
    this.#text += before === 0 ? text.trimStart() : text
    if (!this.#isWhole) {
      if (!text.includes('\n') && this.#text.length <= longest) return undefined
      const end = this.#text.indexOf('\n')
      if (end < 0) return this.#text.length > longest ? this.#giveUp() : undefined
      if (parsedJson(this.#text.slice(0, end)) === undefined) return this.#giveUp()
      this.#isWhole = true
      return this.#text.slice(end).trim() === '' ? undefined : this.#text
    }
    // Behind an answer on one line nothing follows but blanks.
    return this.#text.slice(before).trim() === '' ? undefined : this.#text
  }

  #giveUp(): undefined {
    this.#text = undefined
  }
}

const openBrace = 0x7b
