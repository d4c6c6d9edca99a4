import { jsonObject, type UsageDetails, usageDetails } from '@token-meter/core/wire'
import { searchesBilled } from './grounding.ts'

type Fee =
  | 'webSearchRequests'
  | 'mapsRequests'
  | 'webFetchRequests'
  | 'codeExecutionCalls'
  | 'mcpCalls'

/** Steps that Google runs itself, and the list in their arguments that says how often, if any does. */
const steps: Readonly<Record<string, { readonly fee: Fee; readonly list?: string }>> = {
  google_search_call: { fee: 'webSearchRequests', list: 'queries' },
  google_maps_call: { fee: 'mapsRequests', list: 'queries' },
  url_context_call: { fee: 'webFetchRequests', list: 'urls' },
  code_execution_call: { fee: 'codeExecutionCalls' },
  mcp_server_tool_call: { fee: 'mcpCalls' },
}

interface ToolStep {
  readonly fee: Fee
  readonly list: string | undefined
  count: number
  /** Arguments that come in pieces, as JSON text. */
  text: string
}

/** What tools ran at Google for one interaction, by its steps. */
export class InteractionTools {
  #steps: Map<unknown, ToolStep> | undefined

  /**
   * Looks at a step, or at a streamed part of one.
   *
   * @param key tells a step from the others.
   */
  see(step: unknown, key: unknown): void {
    const { type, arguments: args } = jsonObject(step)
    const before = this.#steps?.get(key)
    if (type === 'arguments_delta') {
      if (before !== undefined && typeof args === 'string') before.text += args
      return
    }
    const kind = typeof type === 'string' && Object.hasOwn(steps, type) ? steps[type] : undefined
    if (kind === undefined) return
    const { fee, list } = kind
    const count = Math.max(before?.count ?? 1, lengthOf(args, list))
    ;(this.#steps ??= new Map()).set(key, { fee, list, count, text: before?.text ?? '' })
  }

  /** Looks at the steps of a whole interaction. */
  seeAll(list: unknown): void {
    if (Array.isArray(list)) for (const [index, step] of list.entries()) this.see(step, index)
  }

  details(model: string): UsageDetails {
    const counts: Partial<Record<Fee, number>> = {}
    for (const { fee, list, count, text } of this.#steps?.values() ?? []) {
      const said = text === '' ? count : Math.max(count, lengthOf(parsed(text), list))
      counts[fee] = (counts[fee] ?? 0) + said
    }
    const { webSearchRequests = 0, ...others } = counts
    return usageDetails({ ...others, webSearchRequests: searchesBilled(webSearchRequests, model) })
  }
}

function lengthOf(args: unknown, list: string | undefined): number {
  const items = list === undefined ? undefined : jsonObject(args)[list]
  return Array.isArray(items) ? items.length : 0
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Cut short.
    return undefined
  }
}
