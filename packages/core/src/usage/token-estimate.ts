import { type TextCounter, tokensPerO200k } from './tokenizer.ts'
import { tokenWeight, weightOfToken } from './token-weight.ts'

/** How much text a tokenizer is given, in characters: some 2000 tokens, counted in a few ms. */
const sampleLength = 8192
/** Pieces that are kept apart before they become one string, which needs less memory. */
const mostPieces = 256

/**
 * Says about how many tokens the text was that passed. Only ever used where the provider gave no
 * count, and flagged.
 *
 * Without a tokenizer every character is weighed as it passes and none is kept. With one, the first
 * 8 K characters are kept and counted when the estimate is asked for, which for most streams is
 * never; what passes beyond them is weighed, on the scale that the counted part gives.
 */
export class TokenEstimate {
  readonly #tokensPerWeight: number
  readonly #count: TextCounter | undefined
  #weight = 0
  #known = 0
  #pieces: string[] = []
  #sampled = 0

  constructor(model = '', count?: TextCounter) {
    this.#tokensPerWeight = tokensPerO200k(model) / weightOfToken
    this.#count = count
  }

  add(text: unknown): void {
    if (typeof text !== 'string') return
    this.#weight += tokenWeight(text)
    if (this.#count !== undefined && this.#sampled < sampleLength) this.#sample(text)
  }

  /** Adds every string inside a value, such as a request's messages, but not inlined files. */
  addStrings(value: unknown, depth = 0): void {
    if (typeof value === 'string') {
      if (value === '' || address.test(value)) return
      this.add(value)
      // Two strings are not one word; and each message and part costs a little by itself.
      this.add('\n')
    } else if (depth < 32 && Array.isArray(value)) {
      for (const item of value) this.addStrings(item, depth + 1)
    } else if (depth < 32 && value !== null && typeof value === 'object') {
      for (const [key, item] of Object.entries(value)) {
        if (!inlinedFiles.has(key)) this.addStrings(item, depth + 1)
      }
    }
  }

  /** Adds what is no text and whose tokens are known, such as audio by its length. */
  addTokens(tokens: number): void {
    this.#known += tokens
  }

  /** Lets go of the text that is kept for a tokenizer. */
  forgetText(): void {
    this.#pieces = []
    this.#sampled = sampleLength
  }

  /** Nothing was added. */
  get isEmpty(): boolean {
    return this.#weight + this.#known === 0
  }

  /** Estimated tokens, a whole number. */
  get tokens(): number {
    const sample = this.#pieces.join('')
    const counted = sample === '' ? undefined : this.#count?.(sample)
    if (counted === undefined) return Math.ceil(this.#weight * this.#tokensPerWeight + this.#known)
    const sampleWeight = tokenWeight(sample)
    const beyond = this.#weight - sampleWeight
    return Math.ceil(counted + (beyond * counted) / sampleWeight + this.#known)
  }

  #sample(text: string): void {
    const room = sampleLength - this.#sampled
    this.#sampled += text.length
    this.#pieces.push(text.length > room ? text.slice(0, room) : text)
    if (this.#pieces.length >= mostPieces) this.#pieces = [this.#pieces.join('')]
  }
}

/** A whole string that points to a file, or is one; not a message that begins with a link. */
const address = /^(?:data:(?:[\w.+-]+\/|[;,])|https?:\S*$)/i

const inlinedFiles = new Set(['data', 'file_data', 'input_audio', 'b64_json', 'encrypted_content'])
