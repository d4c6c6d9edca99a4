import { jsonObject, type UsageReading, usageDetails } from '@token-meter/core/wire'

/** What ran at Anthropic for one message and is not counted in its usage, by the message's content. */
export class MessageTools {
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
