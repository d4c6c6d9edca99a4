/** What a hang-up saves: not every provider stops to bill what nobody reads any more. */
import { providerName } from '@token-meter/core/adapter'
import type { Upstream } from '../upstream.ts'
import type { OnClientGone } from './settings.ts'

/**
 * Providers, by their hosts, that stop a stream that is aborted, and its bill with it. Others (Bedrock, Google,
 * Groq, Mistral, Perplexity, Replicate, and whoever is not known) bill all of it in any case, so that its usage is
 * read to its end: https://openrouter.ai/docs/api_reference/streaming
 */
const stopOnAbort: ReadonlySet<string> = new Set([
  'anthropic',
  'azure',
  'cohere',
  'deepinfra',
  'deepseek',
  'fireworks',
  'openai',
  'together',
  'xai',
])

/** True where a stream is aborted when its caller is gone. */
export function abortsStreams({ baseUrl }: Upstream, onClientGone: OnClientGone): boolean {
  if (onClientGone !== 'auto') return onClientGone === 'abort'
  return stopOnAbort.has(providerName(baseUrl, ''))
}
