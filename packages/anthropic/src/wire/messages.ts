import {
  type Call,
  type Endpoint,
  isErrorAnswer,
  isLinkedBilling,
  jsonObject,
  type PlainEvent,
  type StreamReader,
  text,
  type TokenEstimate,
  usageDetails,
  type UsageReading,
} from '@token-meter/core/wire'
import { messageBounds } from './bounds.ts'
import { seeCredit, warmTokens } from './usage/fallback-credit.ts'
import { messagesUsage } from './usage/messages.ts'
import { Refusals } from './usage/refusals.ts'
import { StreamUsage } from './usage/stream-usage.ts'

/** `POST /v1/messages` */
export const messages: Endpoint = {
  name: 'messages',
  inputs: ['messages'],
  bounds: messageBounds,
  isLinked: ({ provider, body }) => isLinkedBilling(provider, body),
  read: (message, call) => readMessage(message, call),
  openStream: (call, output) => new MessageStreamReader(call, output),
  estimateInput(body, estimate) {
    estimate.addStrings([body.system, body.messages, body.tools])
  },
  estimateOutput(response, estimate) {
    addContent(jsonObject(response).content, estimate)
  },
}

/**
 * The usage of a whole message; stop reasons such as `pause_turn` are billed as any other.
 *
 * @param refusals what was refused of it, where the message itself does not say it.
 */
export function readMessage(
  message: unknown,
  call: Call,
  refusals: Refusals = Refusals.of(message, call.provider),
): readonly UsageReading[] {
  if (isRefusal(message)) return []
  const { id, model, usage, content, container } = jsonObject(message)
  seeCredit(refusals, usage)
  const tools = new MessageTools()
  for (const block of Array.isArray(content) ? content : []) tools.see(block)
  tools.seeContainer(container)
  const { provider } = call
  const about = { refusals, warmTokens: warmTokens(call), provider }
  const responseId = text(id)
  const readings = tools.addTo(messagesUsage(usage, text(model), about))
  return readings.map((reading) => ({ ...reading, responseId }))
}

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
class MessageStreamReader implements StreamReader {
  readonly rewrites = false
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
  /** A block has ended, and none has begun: it may have been the last. */
  #isBetween = false
  #ended = false

  constructor(call: Call, output: TokenEstimate) {
    this.#warmTokens = warmTokens(call)
    this.#output = output
    this.#provider = call.provider
    this.#refusals = new Refusals(call.provider)
  }

  get finished(): boolean {
    return this.#stopped || this.#isBetween
  }

  get usageSeen(): boolean {
    return this.#usage.outputSeen || this.#ended
  }

  push(event: unknown): unknown {
    const { type, message, content_block: block, delta, usage } = (event ?? {}) as Event
    if (type === 'content_block_stop') this.#isBetween = true
    else if (type === 'content_block_start' || type === 'content_block_delta')
      this.#isBetween = false
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
    return event
  }

  plain(event: unknown): PlainEvent | undefined {
    const { type, delta, usage, message, content_block: block } = event as Event
    if (type !== 'content_block_delta' || (usage ?? message ?? block ?? undefined) !== undefined) {
      return undefined
    }
    const [field, second] = Object.keys(delta ?? {}).filter((key) => key !== 'type')
    if (second !== undefined) return undefined
    if (field === 'partial_json') return { text: ['delta', field], isToolCall: true }
    return field === 'text' || field === 'thinking' ? { text: ['delta', field] } : undefined
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

/** What ran at Anthropic for one message and is not counted in its usage, by the message's content. */
class MessageTools {
  #codeExecutionCalls = 0
  #mcpCalls = 0
  #container: string | undefined

  /** Looks at a content block. */
  see(block: unknown): void {
    const { type, name } = jsonObject(block)
    if (type === 'mcp_tool_use') this.#mcpCalls++
    else if (type === 'server_tool_use' && String(name).endsWith('code_execution')) {
      this.#codeExecutionCalls++
    }
  }

  /** Looks at the container of a message. */
  seeContainer(container: unknown): void {
    const { id } = jsonObject(container)
    if (typeof id === 'string') this.#container = id
  }

  /** The readings of the message, the last of which is that of the model that ran the tools. */
  addTo(readings: readonly UsageReading[]): readonly UsageReading[] {
    const fees = usageDetails({
      codeExecutionCalls: this.#codeExecutionCalls,
      mcpCalls: this.#mcpCalls,
      containers: this.#container === undefined ? 0 : 1,
    })
    if (Object.keys(fees).length === 0) return readings
    return readings.map((reading, index) => {
      if (index < readings.length - 1) return reading
      // Between the runs of tools the model was asked again.
      const { requests = null } = reading
      return { ...reading, requests, details: { ...fees, ...reading.details } }
    })
  }
}

/** Adds what a model wrote among the blocks of a message: not what tools of the provider put there. */
export function addContent(content: unknown, estimate: TokenEstimate): void {
  if (typeof content === 'string') estimate.add(content)
  for (const block of Array.isArray(content) ? content.map(jsonObject) : []) {
    estimate.add(block.text)
    estimate.add(block.thinking)
    if (isToolUse(block)) {
      estimate.addToolCall(block.name)
      estimate.addToolCall(block.input)
    } else if (block.type === 'compaction') estimate.add(block.content)
  }
}

/** `tool_use`, `server_tool_use`, `mcp_tool_use` */
function isToolUse(block: { readonly type?: unknown } | null | undefined): boolean {
  return typeof block?.type === 'string' && block.type.endsWith('tool_use')
}

/** True for an error in place of a message. */
export function isRefusal(body: unknown): boolean {
  return isErrorAnswer(body, 'usage', ['content'])
}
