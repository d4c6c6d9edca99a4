import {
  type UsageDetails,
  type UsageReading,
  jsonObject,
  text,
  usageDetails,
} from '@token-meter/core/wire'
import { imagesUsage } from './usage/images.ts'
import { svgReading } from './images.ts'

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

/** The image tool's model where the tool names none: https://developers.openai.com/api/docs/guides/tools-image-generation */
const defaultImageModel = 'gpt-image-2'

/**
 * What the tools of a response used on models of their own, beside the response's `usage`: the
 * image tool in `tool_usage.image_gen`, and whoever drew an SVG in the item of its call.
 */
export function toolReadings(
  response: Readonly<Record<string, unknown>>,
  provider: string,
): readonly UsageReading[] {
  const { tools, output } = response
  const usage = jsonObject(response.tool_usage).image_gen
  const items: readonly unknown[] = Array.isArray(output) ? output : []
  return [
    ...(typeof usage === 'object' && usage !== null
      ? [imageTool(usage, tools, items, provider)]
      : []),
    ...items.flatMap((item) => svgReading(jsonObject(item).svg_usage, provider)),
  ]
}

function imageTool(
  usage: object,
  tools: unknown,
  items: readonly unknown[],
  provider: string,
): UsageReading {
  const all: readonly unknown[] = Array.isArray(tools) ? tools : []
  const tool = all.map(jsonObject).find(({ type }) => type === 'image_generation')
  const model = text(tool?.model) ?? defaultImageModel
  // It may have been given the images of the conversation, unless its calls say otherwise.
  const calls = items.map(jsonObject).filter((item) => item.type === 'image_generation_call')
  const isPromptOnly = calls.length > 0 && calls.every(({ action }) => action === 'generate')
  const counts = imagesUsage(usage, provider, isPromptOnly ? 'generation' : 'edit')
  // A response without images has the object all the same, full of zeros or empty.
  const isUsed = counts.tokens.input !== undefined || counts.tokens.output !== undefined
  const { input = 0, output = 0, cachedInput, cachedWrite } = counts.tokens
  const problems =
    isUsed && counts.tokens.output === undefined
      ? [...counts.problems, 'the image tool counts no output']
      : counts.problems
  return {
    details: counts.details,
    tokens: { input, cachedInput, cachedWrite, output },
    problems,
    model,
    serviceTier: undefined,
    isBeside: true,
    raw: usage,
  }
}
