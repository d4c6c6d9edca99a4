import { jsonObject, type UsageDetails, usageDetails } from '@token-meter/core/wire'

type Fee = 'webSearchRequests' | 'webFetchRequests' | 'codeExecutionCalls'

/** Groq's names of its tools: https://console.groq.com/docs/compound/built-in-tools */
const groqTools: Readonly<Record<string, Fee>> = {
  search: 'webSearchRequests',
  web_search: 'webSearchRequests',
  visit: 'webFetchRequests',
  visit_website: 'webFetchRequests',
  python: 'codeExecutionCalls',
  code_interpreter: 'codeExecutionCalls',
  code_execution: 'codeExecutionCalls',
}

/** What tools ran at the provider for one chat completion, by the `executed_tools` of its messages. */
export class ChatTools {
  /** A streamed tool is told again when it has its output. */
  #seen: Map<string, Fee> | undefined

  /** Looks at a message, or a streamed part of one. */
  see(message: unknown): void {
    const { executed_tools: executed } = jsonObject(message)
    if (!Array.isArray(executed)) return
    for (const [place, tool] of executed.entries()) {
      const { type, index } = jsonObject(tool)
      const fee = groqTools[String(type)]
      if (fee !== undefined) (this.#seen ??= new Map()).set(`${String(index ?? place)}`, fee)
    }
  }

  details(): UsageDetails {
    const counts: Partial<Record<Fee, number>> = {}
    for (const fee of this.#seen?.values() ?? []) counts[fee] = (counts[fee] ?? 0) + 1
    return usageDetails(counts)
  }
}
