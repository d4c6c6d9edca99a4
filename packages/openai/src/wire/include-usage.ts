import type { Call, RequestRewrite } from '@token-meter/core/wire'

/**
 * Servers that are not asked for `stream_options.include_usage`, by provider name. OpenRouter, Groq (in
 * `x_groq`), Moonshot (in `choices[0]`), Mistral and Perplexity send their usage anyway, and asking
 * would change where the caller finds it; of the others nobody has seen that they take it. Everybody
 * else is asked, under whatever name, as what speaks OpenAI's API: who refuses is asked no more.
 */
const notAsked = new Set([
  'ai21',
  'bedrock',
  'cohere',
  'databricks',
  'deepinfra',
  'fal',
  'groq',
  'huggingface',
  'langsmith',
  'minimax',
  'mistral',
  'moonshotai',
  'nvidia',
  'openrouter',
  'perplexity',
  'replicate',
  'sambanova',
  'voyage',
  'zai',
])

/** Azure took the option with this API version: https://learn.microsoft.com/azure/ai-services/openai/reference */
const firstAzureVersion = '2024-09-01'

/** Until when a model of a server is not asked again, in ms since the epoch. */
const refusedUntil = new Map<string, number>()
const refusalMs = 60 * 60 * 1000

/** What decides whether a stream is asked for its usage. */
export interface StreamRequest {
  /** The body's fields. */
  readonly body: Call['body']
  /** Who serves it. */
  readonly provider: string
  /** The server: what it refuses is remembered by it. */
  readonly baseUrl: string
  /** Azure's API version, where it is known. */
  readonly apiVersion: string | undefined
  /** The application's own decision. */
  readonly includeUsage: boolean | undefined
}

/** Asks a (chat) completion's stream for its usage; `undefined` where it is not asked. */
export function includeUsage(request: StreamRequest): RequestRewrite | undefined {
  const { body, baseUrl, includeUsage: wanted } = request
  const { stream, stream_options: options } = body
  if (!isStreamed(stream) || options?.include_usage === true) return undefined
  if (wanted === false || (wanted === undefined && !isTaken(request))) return undefined
  const server = `${baseUrl} ${String(body.model)}`
  if ((refusedUntil.get(server) ?? 0) > Date.now()) return undefined
  return new IncludeUsage(server, options !== undefined)
}

/** Lenient servers, such as those that check with Pydantic, take more than `true` for it. */
export function isStreamed(stream: unknown): boolean {
  return stream === true || stream === 1 || /^(?:true|t|yes|y|on|1)$/i.test(textOrNone(stream))
}

function textOrNone(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isTaken({ body, provider, apiVersion }: StreamRequest): boolean {
  if (notAsked.has(provider)) return false
  if (provider !== 'azure') return true
  // "On Your Data" answers 400 to the option, and so do older API versions.
  if ((body.data_sources ?? undefined) !== undefined) return false
  return apiVersion === undefined || !/^\d{4}/.test(apiVersion) || apiVersion >= firstAzureVersion
}

/** What is said of a field that nobody knows; strict servers do not always say which. */
const refusal =
  /stream_options|include_usage|additional propert|(?:unknown|unrecogni[sz]ed|unexpected|extra)\W+(?:field|key|propert|param|argument|input|attribute)/i

class IncludeUsage implements RequestRewrite {
  readonly #server: string
  readonly #keepsOptions: boolean
  #hidesUsage = false

  constructor(server: string, keepsOptions: boolean) {
    this.#server = server
    this.#keepsOptions = keepsOptions
  }

  apply(body: string): string | undefined
  apply(body: Uint8Array): Uint8Array<ArrayBuffer> | undefined
  apply(body: string | Uint8Array): string | Uint8Array<ArrayBuffer> | undefined {
    this.#hidesUsage = false
    const edit = this.#keepsOptions ? editOptions(body) : editStart(body)
    if (edit === undefined) return undefined
    this.#hidesUsage = true
    return spliced(body, edit)
  }

  hidesUsage(): boolean {
    return this.#hidesUsage
  }

  isRefusal(status: number, body: string): boolean {
    return (status === 400 || status === 422) && refusal.test(body)
  }

  refused(): void {
    this.#hidesUsage = false
    refusedUntil.set(this.#server, Date.now() + refusalMs)
  }
}

/** What to put in place of a part of a body. All that is looked for is ASCII, in text and in UTF-8. */
interface Edit {
  readonly from: number
  readonly to: number
  readonly text: string
}

type Body = string | Uint8Array

function spliced(body: Body, { from, to, text }: Edit): string | Uint8Array<ArrayBuffer> {
  if (typeof body === 'string') return body.slice(0, from) + text + body.slice(to)
  const inserted = new TextEncoder().encode(text)
  const whole = new Uint8Array(body.length - (to - from) + inserted.length)
  whole.set(body.subarray(0, from))
  whole.set(inserted, from)
  whole.set(body.subarray(to), from + inserted.length)
  return whole
}

/** The options as the body's first field, where it has none; `undefined` for what is no object. */
function editStart(body: Body): Edit | undefined {
  const start = bodyStart(body)
  if (charAt(body, start) !== '{') return undefined
  return { from: start, to: start + 1, text: '{"stream_options":{"include_usage":true},' }
}

/** The flag among the options that the body has; `undefined` for what only looks like JSON. */
function editOptions(body: Body): Edit | undefined {
  try {
    return optionsEdit(body)
  } catch {
    return undefined
  }
}

/** The last of equal names counts, as in `JSON.parse`. @throws SyntaxError */
function optionsEdit(body: Body): Edit | undefined {
  const options = fieldsAt(body, bodyStart(body))?.findLast(({ name }) => name === 'stream_options')
  if (options === undefined) return undefined
  const { from, to } = options
  const fields = fieldsAt(body, from)
  // `null`, which stands for none.
  if (fields === undefined) return { from, to, text: '{"include_usage":true}' }
  const flag = fields.findLast(({ name }) => name === 'include_usage')
  if (flag !== undefined) return { from: flag.from, to: flag.to, text: 'true' }
  const text = fields.length === 0 ? '{"include_usage":true' : '{"include_usage":true,'
  return { from, to: from + 1, text }
}

/** A field of an object, and where its value stands. */
interface Field {
  readonly name: string
  readonly from: number
  readonly to: number
}

/** The fields of the object that begins at a place, unparsed; `undefined` where none does. */
function fieldsAt(body: Body, start: number): readonly Field[] | undefined {
  if (charAt(body, start) !== '{') return undefined
  const fields: Field[] = []
  let at = afterSpace(body, start + 1)
  while (charAt(body, at) === '"') {
    const nameEnd = stringEnd(body, at)
    const name = textOf(body, at, nameEnd)
    const from = afterSpace(body, afterSpace(body, nameEnd) + 1)
    const to = valueEnd(body, from)
    fields.push({ name: JSON.parse(name) as string, from, to })
    at = afterSpace(body, to)
    if (charAt(body, at) !== ',') break
    at = afterSpace(body, at + 1)
  }
  if (charAt(body, at) !== '}') throw new SyntaxError('the body is no JSON')
  return fields
}

/** Behind a value: a string, an object or a list with all that is in it, a number or a word. */
function valueEnd(body: Body, from: number): number {
  let depth = 0
  let at = from
  while (at < body.length) {
    const character = charAt(body, at)
    if (character === '"') {
      at = stringEnd(body, at)
      if (depth === 0) return at
      continue
    }
    if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') {
      if (depth === 0) return at
      if (--depth === 0) return at + 1
    } else if (depth === 0 && /[,\s]/.test(character)) return at
    at++
  }
  throw new SyntaxError('the body is no JSON')
}

/** Behind the string that begins at a place, which can be a whole image. */
function stringEnd(body: Body, from: number): number {
  for (let at = from + 1; ; at++) {
    at = quoteAt(body, at)
    if (at < 0) throw new SyntaxError('the body is no JSON')
    let escapes = 0
    while (charAt(body, at - 1 - escapes) === '\\') escapes++
    if (escapes % 2 === 0) return at + 1
  }
}

function quoteAt(body: Body, from: number): number {
  return typeof body === 'string' ? body.indexOf('"', from) : body.indexOf(0x22, from)
}

/** Behind a byte order mark, which some write before JSON and some readers pass over. */
function bodyStart(body: Body): number {
  if (typeof body === 'string') return afterSpace(body, body.startsWith('\uFEFF') ? 1 : 0)
  const hasMark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf
  return afterSpace(body, hasMark ? 3 : 0)
}

function afterSpace(body: Body, from: number): number {
  let at = from
  while (/^[ \t\r\n]$/.test(charAt(body, at))) at++
  return at
}

/** One character, or one byte as one; empty behind the end. */
function charAt(body: Body, at: number): string {
  if (typeof body === 'string') return body.charAt(at)
  const byte = body[at]
  return byte === undefined ? '' : String.fromCharCode(byte)
}

function textOf(body: Body, from: number, to: number): string {
  return typeof body === 'string'
    ? body.slice(from, to)
    : new TextDecoder().decode(body.subarray(from, to))
}
