import { type Call, jsonObject, parsedJson, text } from '@token-meter/core/wire'

type Json = Readonly<Record<string, unknown>>

/** Tools that a provider runs, by the AI SDK's id of them, as items of a response's output. */
const items: readonly (readonly [pattern: RegExp, type: string])[] = [
  [/web_?search/i, 'web_search_call'],
  [/x_?search/i, 'x_search_call'],
  [/file_?search|collections/i, 'file_search_call'],
  [/code_?(?:interpreter|execution)/i, 'code_interpreter_call'],
  [/image_?generation/i, 'image_generation_call'],
  [/mcp/i, 'mcp_call'],
]

/**
 * What ran at the provider, by the parts of a stream, for providers whose events nobody sees: as
 * the output items of a response, as far as the parts tell them.
 */
export class ToolItems {
  readonly #call: Call
  #items: Map<unknown, Json> | undefined

  constructor(call: Call) {
    this.#call = call
  }

  /** Looks at a `tool-call` or a `tool-result`. */
  see(part: Json): void {
    const { toolCallId, toolName, providerExecuted, input, result } = part
    const known = this.#items?.get(toolCallId)
    if (known === undefined) {
      if (providerExecuted !== true) return
      const type = this.#typeOf(String(toolName))
      if (type === undefined) return
      const container = text(parsed(input).containerId)
      const item = { type, ...(container !== undefined && { container_id: container }) }
      ;(this.#items ??= new Map()).set(toolCallId, item)
      return
    }
    const { type } = jsonObject(jsonObject(result).action)
    // The AI SDK writes `openPage` for `open_page`.
    if (typeof type === 'string') this.#items?.set(toolCallId, { ...known, action: { type } })
  }

  get output(): readonly Json[] {
    return [...(this.#items?.values() ?? [])]
  }

  #typeOf(name: string): string | undefined {
    const { tools } = this.#call.body
    const all: readonly Json[] = Array.isArray(tools) ? tools.map(jsonObject) : []
    const id = text(all.find((tool) => tool.name === name)?.id) ?? name
    return items.find(([pattern]) => pattern.test(id))?.[1]
  }
}

function parsed(input: unknown): Json {
  return jsonObject(typeof input === 'string' ? parsedJson(input) : input)
}
