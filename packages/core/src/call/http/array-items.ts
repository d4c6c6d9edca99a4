/** Who is shown the objects of an array. */
export interface ItemWatch {
  /** The JSON of one object of the array. */
  item(text: string): void
  /** An object was too long to be kept. */
  tooLong(): void
}

/** Beyond so many characters an item is no event that anybody would send: it is passed over, not kept. */
const longestItem = 32 * 2 ** 20

/**
 * Cuts a JSON array that comes piece by piece into its objects, wherever the pieces begin and end: what
 * Gemini streams (`[{...},\n{...}]`) unless it is asked for server-sent events. Of what it has shown it
 * keeps nothing.
 */
export class ArrayItems {
  readonly #watch: ItemWatch
  readonly #longest: number
  /** How many brackets are open; the array's own is the first. */
  #depth = 0
  #inString = false
  #isEscaped = false
  #item: string[] = []
  #length = 0
  #isOver = false

  constructor(watch: ItemWatch, longest = longestItem) {
    this.#watch = watch
    this.#longest = longest
  }

  /** The array has ended. */
  get isOver(): boolean {
    return this.#isOver
  }

  push(text: string): void {
    // Where the part of an item begins that is in this piece.
    let start = this.#depth > 1 ? 0 : -1
    for (let index = 0; index < text.length; index++) {
      const character = text.charCodeAt(index)
      if (this.#inString) {
        if (this.#isEscaped) this.#isEscaped = false
        else if (character === backslash) this.#isEscaped = true
        else if (character === quote) this.#inString = false
      } else if (character === quote) this.#inString = true
      else if (character === openBrace || character === openBracket) {
        if (++this.#depth === 2) start = index
      } else if (character === closeBrace || character === closeBracket) {
        if (--this.#depth === 1) {
          this.#keep(text.slice(start, index + 1))
          this.#end()
          start = -1
        } else if (this.#depth <= 0) {
          this.#isOver = true
          return
        }
      }
    }
    if (start >= 0) this.#keep(text.slice(start))
  }

  #keep(text: string): void {
    this.#length += text.length
    if (this.#length > this.#longest) this.#item = []
    else this.#item.push(text)
  }

  #end(): void {
    const isTooLong = this.#length > this.#longest
    const item = this.#item.join('')
    this.#item = []
    this.#length = 0
    if (isTooLong) this.#watch.tooLong()
    else if (item.startsWith('{')) this.#watch.item(item)
  }
}

const quote = 0x22
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
