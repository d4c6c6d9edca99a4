/** What is estimated of a text. */
export type EstimatedText = Pick<TokenEstimate, 'tokens' | 'isEmpty' | 'hasAnswer' | 'hasToolCall'>

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
  #hasAnswer = false
  #hasToolCall = false
  #isRough = false

  constructor(model = '', count?: TextCounter) {
    this.#tokensPerWeight = tokensPerO200k(model) / weightOfToken
    this.#count = count
  }

  add(text: unknown): void {
    if (typeof text !== 'string' || text === '') return
    this.#hasAnswer = true
    this.#weigh(text)
  }

  /**
   * Adds the name or the arguments of a tool call. They count as text does; but a tool call alone can
   * be one that the provider repeats without asking a model, and is no sign of tokens.
   */
  addToolCall(value: unknown): void {
    if (typeof value === 'string') {
      if (value !== '') this.#hasToolCall = true
      this.#weigh(value)
    } else if (typeof value === 'object' && value !== null) {
      this.#hasToolCall = true
      this.#addJson(value, 0)
    }
  }

  /** Says that something was answered which is no text, such as a vector, an image or audio. */
  addAnswer(): void {
    this.#hasAnswer = true
  }

  /** A part of a long text stands for all of it: for who waits for the estimate. Returns itself. */
  roughly(): this {
    this.#isRough = true
    return this
  }

  #weigh(text: string): void {
    this.#weight += this.#isRough ? roughWeight(text) : tokenWeight(text)
    if (this.#count !== undefined && this.#sampled < sampleLength) this.#sample(text)
  }

  /**
   * Adds the text inside messages, parts and tools: every string that a model is given to read, and
   * none that only says how, such as ids, roles, names of models, addresses and inlined files.
   */
  addStrings(value: unknown, depth = 0): void {
    if (typeof value === 'string') {
      if (value === '' || address.test(value)) return
      this.add(value)
      // Two strings are not one word; and each message and part costs a little by itself.
      this.#weigh('\n')
    } else if (depth < deepest && Array.isArray(value)) {
      for (const item of value) this.addStrings(item, depth + 1)
    } else if (depth < deepest && value !== null && typeof value === 'object') {
      for (const [key, item] of Object.entries(value)) {
        if (freeJson.has(key) && typeof item === 'object') this.#addJson(item, depth + 1)
        else if (!isNoText(key)) this.addStrings(item, depth + 1)
      }
    }
  }

  /** Adds JSON of the application's own, such as arguments and schemas: a model reads all of it. */
  #addJson(value: unknown, depth: number): void {
    if (depth >= deepest || value === null || value === undefined) return
    if (typeof value === 'object') {
      const isList = Array.isArray(value)
      for (const [key, item] of Object.entries(value)) {
        if (inlinedFiles.has(key) && typeof item === 'string') continue
        if (!isList) this.#weigh(key)
        this.#addJson(item, depth + 1)
      }
    } else if (typeof value !== 'function' && typeof value !== 'symbol') {
      const text = String(value)
      if (!address.test(text)) this.#weigh(`${text}\n`)
    }
  }

  /** Adds what is no text and whose tokens are known, such as audio by its length. */
  addTokens(tokens: number): void {
    if (tokens > 0) this.#hasAnswer = true
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

  /** Something was added that only a model can have made: anything but tool calls. */
  get hasAnswer(): boolean {
    return this.#hasAnswer
  }

  /** A tool call was added. */
  get hasToolCall(): boolean {
    return this.#hasToolCall
  }

  /** About how many tokens it has, without a tokenizer: cheap enough for each event of a stream. */
  get likelyTokens(): number {
    return this.#weight * this.#tokensPerWeight + this.#known
  }

  /** The same estimate as it is by now, at the price of `likelyTokens`. */
  get soFar(): EstimatedText {
    const { isEmpty, hasAnswer, hasToolCall } = this
    return { isEmpty, hasAnswer, hasToolCall, tokens: Math.ceil(this.likelyTokens) }
  }

  /** Estimated tokens, a whole number. */
  get tokens(): number {
    const sample = this.#pieces.join('')
    const counted = sample === '' ? undefined : this.#count?.(sample)
    if (counted === undefined) return Math.ceil(this.likelyTokens)
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

const deepest = 32

const inlinedFiles: ReadonlySet<string> = new Set([
  'data',
  'file_data',
  'fileData',
  'input_audio',
  'b64_json',
  'bytesBase64Encoded',
  'encrypted_content',
  'encrypted_index',
  'signature',
  'thoughtSignature',
  'thought_signature',
])

/** Fields that hold what the application or the model wrote as JSON. */
const freeJson: ReadonlySet<string> = new Set([
  'args',
  'arguments',
  'input',
  'parameters',
  'parametersJsonSchema',
  'input_schema',
  'inputSchema',
  'schema',
  'response',
])

/** Fields of messages, parts and tools whose strings no model is given to read. */
const settings: ReadonlySet<string> = new Set([
  'id',
  'type',
  'role',
  'status',
  'model',
  'task_type',
  'taskType',
  'mimeType',
  'mime_type',
  'media_type',
  'mediaType',
  'format',
  'detail',
  'phase',
  'cache_control',
  'display_name',
  'displayName',
  'url',
  'uri',
  'fileUri',
  'file_uri',
  'filename',
])

function isNoText(key: string): boolean {
  return settings.has(key) || inlinedFiles.has(key) || /(?:_id|[a-z]Id)$/.test(key)
}

/**
 * Counts text for the estimates of responses whose usage the provider never gave. One is ready in
 * `@token-meter/core/gpt-tokenizer`.
 */
export interface Tokenizer {
  /**
   * The tokens of a text, as the model that the request named counts them; `undefined` leaves the
   * text to the built-in heuristic. Synchronous, and asked only when an estimate is needed, for at
   * most 8 K characters at a time. One that throws, or answers what cannot be a count, is replaced
   * by the heuristic for that text and reported once.
   */
  count(text: string, model: string): number | undefined
  /** Where counting needs something loaded first: its rejection is reported, and nothing waits for it. */
  readonly ready?: Promise<unknown>
}

/** Counts for one model; it never throws. */
export type TextCounter = (text: string) => number | undefined

/**
 * How many tokens a model makes of what is one token of o200k. Claude made 1.14 to 1.25 of it in
 * four recorded streams; DeepSeek, Llama and Qwen 1.00 to 1.06 in six.
 */
export function tokensPerO200k(model: string): number {
  return /claude/i.test(model) ? 1.2 : 1
}

/**
 * About how many tokens of OpenAI's o200k vocabulary a text is, in hundredths: the heuristic of an
 * estimate where no tokenizer counts. Each character weighs by its class, so that it makes no
 * difference how a text was cut into pieces, and nothing of it has to be kept.
 *
 * The weights are fitted to prose in eleven languages, code, Markdown and JSON. Against o200k,
 * prose and code mostly came within 15 %, Polish, Hindi, tables and ids within 20 %, base64 at half.
 */
export function tokenWeight(text: string): number {
  let weight = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    weight += code < 0x80 ? (asciiWeights[code] as number) : wideWeight(code)
  }
  return weight
}

/** Text up to this length is weighed whole, and of a longer one a piece of so many characters in four. */
const longText = 32_768
const pieceLength = 2048

/** The same of a long text by pieces of it, evenly spread. */
function roughWeight(text: string): number {
  if (text.length <= longText) return tokenWeight(text)
  let weight = 0
  let weighed = 0
  for (let from = 0; from < text.length; from += 4 * pieceLength) {
    const piece = text.slice(from, from + pieceLength)
    weight += tokenWeight(piece)
    weighed += piece.length
  }
  return (weight * text.length) / weighed
}

/** What `tokenWeight` calls one token. */
export const weightOfToken = 100

const asciiWeights = Uint8Array.from({ length: 0x80 }, (_, code) => {
  const character = String.fromCharCode(code)
  if (character === ' ') return 18
  if (character < ' ') return 80
  if (/[a-z]/.test(character)) return 21
  if (/[A-Z]/.test(character)) return 30
  return /\d/.test(character) ? 65 : 31
})

function wideWeight(code: number): number {
  // Accented Latin, which breaks a word in two more often than not.
  if (code < 0x250) return 90
  // Greek, Cyrillic, Arabic, Devanagari, ... and typographic marks.
  if (code < 0x2e80) return 31
  // Ideographs and kana, then Hangul.
  if (code < 0xac00) return 80
  if (code < 0xd800) return 72
  // Half of an emoji, then full-width marks.
  return code < 0xe000 ? 90 : 100
}
