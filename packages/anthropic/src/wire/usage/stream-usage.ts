import { isGap, isPlain, jsonObject, laterUsage } from '@token-meter/core/wire'

type Json = Readonly<Record<string, unknown>>

const inputFields = [
  'input_tokens',
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
] as const

/**
 * Puts the usage of a streamed message together from its events, as plain JSON.
 *
 * `message_start` has the input, and an output count that means nothing yet; `message_delta` has
 * totals of the whole message, each either there or null: those that say something replace what was
 * known, and are never added. https://platform.claude.com/docs/en/build-with-claude/streaming
 *
 * Each message begins afresh. A gateway can also send the start of a message late or twice; that is
 * known by its id, or by no totals coming after it.
 */
export class StreamUsage {
  #message: MessageUsage | undefined
  /** What came before a start that may be another message's, or the same one's come late. */
  #before: MessageUsage | undefined

  /** The usage so far; `undefined` before any came. `output_tokens` only once it is a total. */
  get usage(): Json | undefined {
    const [message, before] = [this.#message, this.#before]
    if (before === undefined || message === undefined) return message?.usage
    if (message.outputSeen || (message.isOther(before) && message.inputTokens > 0)) {
      return message.usage
    }
    return { ...message.usage, ...before.usage }
  }

  /** A delta has given the output. */
  get outputSeen(): boolean {
    return this.#message?.outputSeen === true || this.#before?.outputSeen === true
  }

  /**
   * The `message.usage` of a `message_start`.
   *
   * @param id the message's, where it has one.
   */
  start(usage: unknown, id?: unknown): void {
    const { output_tokens: _, ...fields } = jsonObject(usage)
    const known = this.#message
    const next = new MessageUsage(typeof id === 'string' && id !== '' ? id : undefined)
    if (known === undefined || next.isOther(known) || known.outputSeen) {
      if (known?.outputSeen === true) this.#before = known
      this.#message = next
    }
    this.#message?.see(fields)
  }

  /** The `usage` of a `message_delta`. */
  delta(usage: unknown): void {
    this.#message ??= new MessageUsage(undefined)
    this.#message.delta(jsonObject(usage))
  }
}

/** The usage of one message. */
class MessageUsage {
  usage: Record<string, unknown> | undefined
  outputSeen = false
  readonly #id: string | undefined

  constructor(id: string | undefined) {
    this.#id = id
  }

  /** Certainly another message: both have ids. */
  isOther(message: MessageUsage): boolean {
    return this.#id !== undefined && message.#id !== undefined && this.#id !== message.#id
  }

  get inputTokens(): number {
    return inputOf(this.usage ?? {})
  }

  delta(fields: Json): void {
    if (fields.output_tokens !== undefined && fields.output_tokens !== null) this.outputSeen = true
    this.see(fields)
  }

  see(fields: Json): void {
    if (Object.keys(fields).length === 0) return
    const known = (this.usage ??= {})
    // Input that turns out to be cached moves from one count to another. Zeros that leave less than
    // was known are those of gateways that have nothing new to say.
    const isMoved = inputOf(fields) > 0 && inputOf(fields) >= inputOf(known)
    for (const [name, value] of Object.entries(fields)) {
      if (value === null || value === undefined) continue
      const before = known[name]
      const isOfInput = (inputFields as readonly string[]).includes(name)
      if (isGap(value, before) && !(isMoved && isOfInput && value === 0)) continue
      known[name] = isPlain(before) && isPlain(value) ? laterUsage(before, value) : value
    }
  }
}

function inputOf(fields: Json): number {
  let sum = 0
  for (const name of inputFields)
    sum += Number.isSafeInteger(fields[name]) ? Number(fields[name]) : 0
  return sum
}
