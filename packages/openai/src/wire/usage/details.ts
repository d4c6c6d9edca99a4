import { type CountReader, jsonObject, text } from '@token-meter/core/wire'

type Json = Readonly<Record<string, unknown>>

/** Tokens of audio, images and video among the input, the cached input and the output. */
interface MediaTokens {
  readonly audioInput: number | undefined
  readonly imageInput: number | undefined
  readonly videoInput: number | undefined
  readonly cachedAudioInput: number | undefined
  readonly cachedImageInput: number | undefined
  readonly cachedVideoInput: number | undefined
  readonly audioOutput: number | undefined
  readonly imageOutput: number | undefined
  readonly videoOutput: number | undefined
}

/**
 * Reads the `..._tokens_details` of a usage object. The cached ones of each kind are in
 * `cached_tokens_details`, beside the others or, at the Images API, beside the details.
 */
export function mediaTokens(
  {
    input,
    output,
    cached,
  }: { readonly input: Json; readonly output: Json; readonly cached?: Json },
  count: CountReader,
): MediaTokens {
  const cachedDetails = cached ?? jsonObject(input.cached_tokens_details)
  const cachedOf = (kind: string): number | undefined =>
    count(cachedDetails[`${kind}_tokens`], `cached ${kind}_tokens`) ??
    count(cachedDetails[`cached_${kind}_tokens`], `cached_${kind}_tokens`)
  return {
    audioInput: count(input.audio_tokens, 'audio_tokens'),
    imageInput: count(input.image_tokens, 'image_tokens'),
    videoInput: count(input.video_tokens, 'video_tokens'),
    cachedAudioInput: cachedOf('audio'),
    cachedImageInput: cachedOf('image'),
    cachedVideoInput: cachedOf('video'),
    audioOutput: count(output.audio_tokens, 'audio_tokens'),
    imageOutput: count(output.image_tokens, 'image_tokens'),
    videoOutput: count(output.video_tokens, 'video_tokens'),
  }
}

/** What the provider ran by itself, as far as the usage object says it. */
interface ToolFees {
  readonly webSearchRequests: number | undefined
  readonly webFetchRequests: number | undefined
  readonly xSearchRequests: number | undefined
  readonly searchSources: number | undefined
  readonly fileSearchCalls: number | undefined
  readonly codeExecutionCalls: number | undefined
  readonly mcpCalls: number | undefined
  readonly imageGenerationCalls: number | undefined
  readonly citationTokens: number | undefined
}

/**
 * Reads the counts of server-side tools in a usage object: `num_search_queries` and
 * `citation_tokens` of Perplexity, and `tool_calls_details` of its Responses API;
 * `server_tool_use` of OpenRouter; `server_side_tool_usage_details` and `num_sources_used` of xAI,
 * which counts the calls that succeeded (https://docs.x.ai/developers/tools/tool-usage-details);
 * `connectors` of Mistral.
 */
export function toolFees(usage: Json, count: CountReader): ToolFees {
  // OpenRouter names it by either, by its version.
  const tools = jsonObject(usage.server_tool_use ?? usage.server_tool_use_details)
  const xai = jsonObject(usage.server_side_tool_usage_details)
  const mistral = jsonObject(usage.connectors)
  const perplexity = jsonObject(usage.tool_calls_details)
  const invocations = (...names: readonly string[]): number | undefined => {
    for (const name of names) {
      const known = count(jsonObject(perplexity[name]).invocation, `${name}.invocation`)
      if (known !== undefined) return known
    }
    return undefined
  }
  return {
    webSearchRequests:
      count(usage.num_search_queries, 'num_search_queries') ??
      count(tools.web_search_requests, 'web_search_requests') ??
      count(xai.web_search_calls, 'web_search_calls') ??
      sum(
        count(mistral.web_search, 'web_search'),
        count(mistral.web_search_premium, 'web_search'),
      ) ??
      invocations('search_web', 'web_search'),
    webFetchRequests:
      count(tools.web_fetch_requests, 'web_fetch_requests') ??
      invocations('fetch_url', 'fetch_url_content'),
    xSearchRequests: count(xai.x_search_calls, 'x_search_calls'),
    searchSources: count(usage.num_sources_used, 'num_sources_used'),
    fileSearchCalls:
      count(xai.file_search_calls, 'file_search_calls') ??
      count(mistral.document_library, 'document_library'),
    codeExecutionCalls:
      count(tools.code_execution_requests, 'code_execution_requests') ??
      count(xai.code_interpreter_calls, 'code_interpreter_calls') ??
      count(mistral.code_interpreter, 'code_interpreter'),
    mcpCalls: count(xai.mcp_calls, 'mcp_calls') ?? ownConnectors(mistral, count),
    imageGenerationCalls:
      count(xai.image_generation_calls, 'image_generation_calls') ??
      count(mistral.image_generation, 'image_generation'),
    citationTokens: count(usage.citation_tokens, 'citation_tokens'),
  }
}

/** What Mistral has itself among its connectors; the others are MCP servers, by names of their own. */
const builtIn = new Set([
  'web_search',
  'web_search_premium',
  'document_library',
  'code_interpreter',
  'image_generation',
])

function ownConnectors(connectors: Json, count: CountReader): number | undefined {
  const calls = Object.entries(connectors).filter(([name]) => !builtIn.has(name))
  return calls.reduce<number | undefined>(
    (all, [, value]) => sum(all, count(value, 'connectors')),
    undefined,
  )
}

function sum(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0)
}

/** By which the price of Perplexity's searches differs. */
export function searchContextSize(usage: Json): { readonly searchContextSize?: string } {
  const size = text(usage.search_context_size)
  return size === undefined ? {} : { searchContextSize: size }
}
