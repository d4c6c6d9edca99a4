import { jsonObject, type UsageDetails, usageDetails } from '@token-meter/core/wire'

type Json = Readonly<Record<string, unknown>>

/** What tools ran at the provider for one response, by the items of its output. */
export class ResponseTools {
  readonly #counts: Record<string, number> = {}
  readonly #containers = new Set<unknown>()

  /** Looks at one item, once it is done. */
  see(item: unknown): void {
    const { type, status, action, container_id: container, environment, name } = jsonObject(item)
    if (status === 'failed') return
    const hosted = jsonObject(environment).container_id
    switch (type) {
      case 'web_search_call':
        // To open a page or to look in it costs nothing: https://developers.openai.com/api/docs/guides/tools-web-search
        if ((jsonObject(action).type ?? 'search') === 'search') this.#add('webSearchRequests')
        break
      case 'x_search_call':
        this.#add('xSearchRequests')
        break
      case 'custom_tool_call':
        // xAI's own name of the tools that read X, which no application runs.
        if (/^x_(?:keyword|semantic|user|thread)/.test(String(name))) this.#add('xSearchRequests')
        break
      case 'file_search_call':
        this.#add('fileSearchCalls')
        break
      case 'code_interpreter_call':
        this.#add('codeExecutionCalls')
        if (typeof container === 'string') this.#containers.add(container)
        break
      case 'shell_call':
        // In an environment of the application it runs there.
        if (typeof hosted !== 'string') break
        this.#add('codeExecutionCalls')
        this.#containers.add(hosted)
        break
      case 'mcp_call':
        this.#add('mcpCalls')
        break
      case 'image_generation_call':
        this.#add('imageGenerationCalls')
        break
      default:
    }
  }

  #add(name: string): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + 1
  }

  /** Nothing was seen that ran at the provider. */
  get isEmpty(): boolean {
    return Object.keys(this.#counts).length === 0
  }

  details(): UsageDetails {
    return usageDetails({ ...this.#counts, containers: this.#containers.size })
  }
}

/** The tools of a whole response. Its own count of web searches stands before that of its items. */
export function responseTools({ tool_usage: toolUsage, output }: Json): UsageDetails {
  const tools = new ResponseTools()
  for (const item of Array.isArray(output) ? output : []) tools.see(item)
  const details = tools.details()
  const stated = jsonObject(jsonObject(toolUsage).web_search).num_requests
  if (typeof stated !== 'number') return details
  const { webSearchRequests: _, ...others } = details
  return stated > 0 ? { ...others, webSearchRequests: stated } : others
}

/** Between the runs of tools the model is asked again: the usage is the sum of these requests. */
export function ranTools(details: UsageDetails): boolean {
  const { webSearchRequests, xSearchRequests, fileSearchCalls, codeExecutionCalls } = details
  const { mcpCalls, imageGenerationCalls } = details
  return Boolean(
    webSearchRequests ||
    xSearchRequests ||
    fileSearchCalls ||
    codeExecutionCalls ||
    mcpCalls ||
    imageGenerationCalls,
  )
}
