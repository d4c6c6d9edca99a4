import {
  type Call,
  type StreamReader,
  text,
  type TokenEstimate,
  type UsageReading,
} from '@token-meter/core/wire'
import { messagesUsage } from '../usage/messages.ts'
import { Refusals } from '../usage/refusals.ts'
import { StreamUsage } from '../usage/stream-usage.ts'
import { MessageTools } from './message-tools.ts'
import { seeCredit, warmTokens } from './seen-credits.ts'
import { isToolUse } from './output-content.ts'

/** The parts of an event that matter here; all of them can be missing or odd. */
interface Event {
  type?: unknown
  message?: { id?: unknown; model?: unknown; usage?: unknown; container?: unknown } | null
  content_block?: { type?: unknown; name?: unknown; text?: unknown; thinking?: unknown } | null
  delta?: {
    text?: unknown
    thinking?: unknown
    partial_json?: unknown
    content?: unknown
    stop_reason?: unknown
    stop_details?: unknown
    container?: unknown
  } | null
  usage?: unknown
}

/**
 * Follows a streamed message. Its input is exact from the first event on; its output only when it
 * stops, so that until then the text that streams past is counted for an estimate.
 */
export class MessageStreamReader implements StreamReader {
  readonly hides = false
  readonly #warmTokens: number | undefined
  readonly #output: TokenEstimate
  readonly #provider: string
  readonly #usage = new StreamUsage()
  readonly #refusals: Refusals
  #id: unknown
  readonly #tools = new MessageTools()
  #model: string | undefined
  #began = false
  #failed = false
  #stopped = false
  #ended = false

  constructor(call: Call, output: TokenEstimate) {
    this.#warmTokens = warmTokens(call)
    this.#output = output
    this.#provider = call.provider
    this.#refusals = new Refusals(call.provider)
  }

  get finished(): boolean {
    return this.#stopped
  }

  get usageSeen(): boolean {
    return this.#usage.outputSeen || this.#ended
  }

  see(event: unknown): boolean {
    const { type, message, content_block: block, delta, usage } = (event ?? {}) as Event
    switch (type) {
      case 'content_block_delta':
        this.#output.add(delta?.text)
        this.#output.add(delta?.thinking)
        this.#output.addToolCall(delta?.partial_json)
        // A compaction's text comes in one piece.
        this.#output.add(delta?.content)
        break
      case 'content_block_start':
        this.#began = true
        this.#refusals.seeBlock(block)
        this.#output.add(block?.text)
        this.#output.add(block?.thinking)
        if (isToolUse(block)) this.#output.addToolCall(block?.name)
        this.#tools.see(block)
        break
      case 'message_start':
        this.#began = true
        if (typeof message?.model === 'string' && message.model !== '') this.#model = message.model
        this.#id = message?.id ?? this.#id
        this.#usage.start(message?.usage, message?.id)
        this.#tools.seeContainer(message?.container)
        break
      case 'message_delta':
        this.#usage.delta(usage)
        this.#refusals.seeStop(delta?.stop_reason, delta?.stop_details)
        // At once: the next request of a fallback may end before this stream is looked at again.
        seeCredit(this.#refusals, this.#usage.usage)
        this.#tools.seeContainer(delta?.container)
        if (typeof delta?.stop_reason === 'string') this.#stopped = true
        break
      case 'message_stop':
        this.#stopped = true
        this.#ended = true
        break
      case 'error':
        this.#failed = true
    }
    return false
  }

  readings(): readonly UsageReading[] {
    // Refused before it began: nothing was generated.
    if (this.#failed && !this.#began) return []
    const responseId = text(this.#id)
    const readings = messagesUsage(this.#usage.usage, this.#model, {
      refusals: this.#refusals,
      warmTokens: this.#warmTokens,
      provider: this.#provider,
    })
    return this.#tools.addTo(readings).map((reading) => ({ ...reading, responseId }))
  }
}
