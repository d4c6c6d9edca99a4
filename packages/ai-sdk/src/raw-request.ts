import { type Call, jsonObject } from '@token-meter/core/wire'
import type { AiSdkModel } from './ai-sdk-client.ts'

/** Servers that add to OpenAI's usage object what the AI SDK's models of OpenAI drop, such as a cost. */
const addsToUsage: ReadonlySet<string> = new Set([
  'alibaba',
  'deepinfra',
  'deepseek',
  'fireworks',
  'groq',
  'litellm',
  'mistral',
  'moonshotai',
  'openrouter',
  'perplexity',
  'xai',
])

const asked = new WeakSet<Call>()

/**
 * The arguments of a `doStream`, with the provider's own events asked for where the AI SDK's parts
 * may not say all that is billed: what tools of the provider used, of which a stored prompt can have
 * some too, and what compatible servers add to the usage. That changes nothing of the request, and
 * the events are hidden from a caller who has not asked for them.
 *
 * @param model whose `provider` is the AI SDK's name of its API, such as `openai.responses`.
 */
export function withRawEvents(
  call: Call,
  { provider, specificationVersion }: AiSdkModel,
  args: readonly unknown[],
): readonly unknown[] {
  const { tools, includeRawChunks } = call.body
  if (includeRawChunks === true) return args
  // Those of ai 5 have no usage object of the provider's beside the counts.
  const isOfAi5 = specificationVersion === 'v2' && provider.startsWith('openai.')
  const mayDrop = isOfAi5 || provider.endsWith('.responses')
  const runsTools =
    Array.isArray(tools) && tools.some((tool) => isOfProvider(jsonObject(tool).type))
  if (!runsTools && !mayDrop && !addsToUsage.has(call.provider)) return args
  asked.add(call)
  const [options, ...rest] = args
  return [{ ...(options as object), includeRawChunks: true }, ...rest]
}

/** True for a call whose events the meter has asked for: the caller must not see them. */
export function hidesRawEvents(call: Call): boolean {
  return asked.has(call)
}

/** `provider` from ai 6 on. */
function isOfProvider(type: unknown): boolean {
  return type === 'provider' || type === 'provider-defined'
}
