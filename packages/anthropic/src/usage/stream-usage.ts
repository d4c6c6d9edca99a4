import { jsonObject } from '@token-meter/core/adapter'

type Json = Readonly<Record<string, unknown>>

const inputFields = new Set([
  'input_tokens',
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
])

/**
 * Puts the usage of a streamed message together from its events, as plain JSON.
 *
 * `message_start` has the input, and an output count that means nothing yet; `message_delta` has
 * totals of the whole message, each either there or null: those that are there replace what was
 * known, and are never added. https://platform.claude.com/docs/en/build-with-claude/streaming
 */
export class StreamUsage {
  #usage: Record<string, unknown> | undefined
  #outputSeen = false

  /** The usage so far; `undefined` before any came. `output_tokens` only once it is a total. */
  get usage(): Json | undefined {
    return this.#usage
  }

  /** A delta has given the output. */
  get outputSeen(): boolean {
    return this.#outputSeen
  }

  /** The `message.usage` of a `message_start`; some gateways send the event twice, or late. */
  start(usage: unknown): void {
    const { output_tokens: _, ...fields } = jsonObject(usage)
    this.#replace(this.#outputSeen ? { ...fields, ...this.#usage } : fields)
  }

  /** The `usage` of a `message_delta`. */
  delta(usage: unknown): void {
    const fields = jsonObject(usage)
    if (fields.output_tokens !== undefined && fields.output_tokens !== null) this.#outputSeen = true
    this.#replace(fields)
  }

  #replace(fields: Json): void {
    if (Object.keys(fields).length === 0) return
    const known = (this.#usage ??= {})
    // Some gateways write zeros where they have nothing new to say of the input.
    const saysInput = Object.keys(fields).some((name) => inputFields.has(name) && fields[name])
    for (const [name, value] of Object.entries(fields)) {
      if (value === null || value === undefined) continue
      if (!saysInput && inputFields.has(name) && known[name]) continue
      known[name] = value
    }
  }
}
