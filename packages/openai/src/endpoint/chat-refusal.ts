import { jsonObject, type RefusalBilling, refusalBilling } from '@token-meter/core/wire'

const refusals = new Set<unknown>(['content_filter', 'refusal'])
const isBilled: RefusalBilling = {}

/**
 * Whether a chat completion is a refusal before any output, which Anthropic does not always bill
 * (`https://api.anthropic.com/v1/chat/completions`). Its category stands there only where the server
 * passes on `stop_details`.
 */
export class ChatRefusal {
  readonly #provider: string
  #isRefused = false
  #hasOutput = false
  #category: unknown

  constructor(provider: string) {
    this.#provider = provider
  }

  /** Of a whole completion, or of one chunk of it. */
  see(body: unknown): void {
    const { choices, stop_details } = jsonObject(body)
    this.#seeDetails(stop_details)
    for (const each of Array.isArray(choices) ? choices : []) {
      const choice = jsonObject(each)
      const message = jsonObject(choice.message ?? choice.delta)
      this.#seeDetails(choice.stop_details)
      this.#seeDetails(message.stop_details)
      if (refusals.has(choice.finish_reason) || choice.stop_reason === 'refusal') {
        this.#isRefused = true
      }
      if (choice.text || hasOutput(message)) this.#hasOutput = true
    }
  }

  #seeDetails(details: unknown): void {
    this.#category = jsonObject(details).category ?? this.#category
  }

  get billing(): RefusalBilling {
    if (!this.#isRefused || this.#hasOutput) return isBilled
    return refusalBilling(this.#provider, this.#category)
  }
}

/** The text of `refusal` is the server's, not the model's. */
function hasOutput(message: Readonly<Record<string, unknown>>): boolean {
  const { content, reasoning_content, reasoning, tool_calls, function_call } = message
  const all = [content, reasoning_content, reasoning, tool_calls, function_call]
  return all.some((part) => (Array.isArray(part) ? part.length > 0 : Boolean(part)))
}
