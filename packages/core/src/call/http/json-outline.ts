import { joined } from './joined.ts'

/** What is left out of a text that is long: as characters, or bytes of the outline. */
export interface OutlineLimits {
  /** A text up to so long is kept as it is. */
  readonly keptWhole: number
  /** In a longer one, so many characters stay of a string: more than a model writes. */
  readonly longestString: number
  /** An outline that is longer is given up. */
  readonly longestOutline: number
}

const usual: OutlineLimits = {
  keptWhole: 2 ** 20,
  longestString: 2 ** 20,
  longestOutline: 2 ** 24,
}

/** Of numbers that follow each other in an array, such as those of an embedding, so many stay. */
const mostNumbers = 16

/**
 * Keeps JSON that comes piece by piece, in bounded memory: an answer that is longer than words make it is
 * kept without what makes it long, which is images, sound and vectors. It stays JSON: strings are cut,
 * and of rows of numbers the first ones are left. So what an answer of 100 MB used is known without
 * having all of it.
 */
export class JsonOutline {
  readonly #limits: OutlineLimits
  #whole: string[] = []
  /** As bytes: a part of a string keeps all of it in memory. */
  #outlined: Uint8Array[] | undefined
  #length = 0
  #isLost = false
  /** The brackets that are open, `true` for those of an array. */
  readonly #open: boolean[] = []
  #inString = false
  #stringLength = 0
  #isCut = false
  #isEscaped = false
  #sinceEscape = longestEscape
  #inNumber = false
  /** Numbers of the array that follow each other. */
  #numbers = 0
  /** A comma was left out, and stands before what comes unless that is left out too. */
  #comma = false

  constructor(limits = usual) {
    this.#limits = limits
  }

  push(text: string): void {
    if (this.#isLost) return
    if (this.#outlined !== undefined) return this.#outline(text)
    this.#whole.push(text)
    this.#length += text.length
    if (this.#length <= this.#limits.keptWhole) return
    const whole = this.#whole
    this.#whole = []
    this.#outlined = []
    this.#length = 0
    for (const piece of whole) this.#outline(piece)
  }

  /** What was kept; `undefined` where even that is too long. */
  get text(): string | undefined {
    if (this.#isLost) return undefined
    if (this.#outlined === undefined) return this.#whole.join('')
    return new TextDecoder().decode(joined(this.#outlined))
  }

  #outline(text: string): void {
    // What is written is copied in runs.
    let kept = ''
    let start = 0
    let isWritten = true
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      const writes = this.#inString ? this.#seeInString(code) : this.#seeStructure(code)
      if (writes && this.#comma && code > space) {
        this.#comma = false
        kept += ','
      }
      if (writes === isWritten) continue
      if (isWritten) kept += text.slice(start, at)
      isWritten = writes
      start = at
    }
    if (isWritten) kept += text.slice(start)
    this.#keep(kept)
  }

  #keep(text: string): void {
    if (text === '') return
    const bytes = new TextEncoder().encode(text)
    this.#outlined?.push(bytes)
    this.#length += bytes.length
    if (this.#length <= this.#limits.longestOutline) return
    this.#isLost = true
    this.#outlined = []
  }

  /** Returns whether a character of a string stays. */
  #seeInString(code: number): boolean {
    this.#stringLength++
    this.#sinceEscape++
    if (this.#isEscaped) this.#isEscaped = false
    else if (code === quote) {
      this.#inString = false
      return true
    } else {
      // Not within an escape sequence: half of one is no JSON.
      const isTooLong = this.#stringLength > this.#limits.longestString
      if (isTooLong && this.#sinceEscape >= longestEscape) this.#isCut = true
      if (code === backslash) {
        this.#isEscaped = true
        this.#sinceEscape = 0
      }
    }
    return !this.#isCut
  }

  /** Returns whether a character outside of strings stays. */
  #seeStructure(code: number): boolean {
    const isInNumber =
      this.#open.at(-1) === true && (isDigit(code) || (this.#inNumber && isOfNumber(code)))
    if (isInNumber) {
      if (!this.#inNumber) this.#numbers++
      this.#inNumber = true
      if (this.#numbers <= mostNumbers) return true
      this.#comma = false
      return false
    }
    this.#inNumber = false
    if (code === comma) {
      if (this.#numbers < mostNumbers || this.#open.at(-1) !== true) return true
      this.#comma = true
      return false
    }
    if (code <= space) return !this.#comma
    if (code === quote) {
      this.#inString = true
      this.#stringLength = 0
      this.#isCut = false
      this.#sinceEscape = longestEscape
    } else if (code === openBracket || code === openBrace) this.#open.push(code === openBracket)
    else if (code === closeBracket || code === closeBrace) this.#open.pop()
    this.#numbers = 0
    return true
  }
}

/** `\u1234` */
const longestEscape = 6

const space = 0x20
const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** What a number begins with. */
function isDigit(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2d
}

/** What else it has: `.`, `+`, `e`, `E`. */
function isOfNumber(code: number): boolean {
  return code === 0x2e || code === 0x2b || code === 0x65 || code === 0x45
}
