import {
  type Call,
  type HttpHeaders,
  jsonObject,
  type StreamReader,
  type UsageReading,
} from '@token-meter/core/wire'
import { TokenEstimate } from '@token-meter/core/adapter'
import type { AiSdkModel } from '../model/ai-sdk-client.ts'
import { shapeOfEvent, wireEndpoints, type WireShape } from '../usage/wire-usage.ts'

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

/**
 * True for a stream that must be asked for the provider's own events, because the AI SDK's parts may
 * not say all that is billed: what tools of the provider used, of which a stored prompt can have some
 * too, and what compatible servers add to the usage. To ask for them changes nothing of the request;
 * they are hidden from a caller who has not asked for them.
 *
 * @param server who serves the call, by our name.
 * @param model whose `provider` is the AI SDK's name of its API, such as `openai.responses`.
 */
export function needsRawEvents(
  server: string,
  { provider, specificationVersion }: AiSdkModel,
  { tools, includeRawChunks }: Call['body'],
): boolean {
  if (includeRawChunks === true) return false
  // Those of ai 5 have no usage object of the provider's beside the counts.
  const isOfAi5 = specificationVersion === 'v2' && provider.startsWith('openai.')
  const mayDrop = isOfAi5 || provider.endsWith('.responses')
  const runsTools =
    Array.isArray(tools) && tools.some((tool) => isOfProvider(jsonObject(tool).type))
  return runsTools || mayDrop || addsToUsage.has(server)
}

/** The arguments of a `doStream` that asks for the provider's own events. */
export function withRawEvents([options, ...rest]: readonly unknown[]): readonly unknown[] {
  return [{ ...(options as object), includeRawChunks: true }, ...rest]
}

/** `provider` from ai 6 on. */
function isOfProvider(type: unknown): boolean {
  return type === 'provider' || type === 'provider-defined'
}

/**
 * The provider's own events (parts of type `raw`), read as when its own client streams them. They
 * say what the AI SDK's parts leave out, such as the tokens of an image tool.
 */
export class RawEvents {
  readonly #call: Call
  readonly #headers: HttpHeaders | undefined
  #shape: WireShape | undefined
  #reader: StreamReader | undefined

  constructor(call: Call, headers: HttpHeaders | undefined) {
    this.#call = call
    this.#headers = headers
  }

  see(value: unknown): void {
    const event = jsonObject(value)
    if (this.#reader === undefined) {
      this.#shape = shapeOfEvent(event)
      if (this.#shape === undefined) return
      // What streams past is estimated by the parts.
      const text = new TokenEstimate('', () => 0)
      const endpoint = wireEndpoints[this.#shape]
      this.#reader = endpoint.openStream?.(this.#call, text, { headers: this.#headers })
    }
    this.#reader?.push(event)
  }

  /** Whose events they are, once one has come. */
  get shape(): WireShape | undefined {
    return this.#shape
  }

  /** What they said; nothing before the provider has said what it used. */
  readings(): readonly UsageReading[] {
    const readings = this.#reader?.readings() ?? []
    return readings.some(({ raw }) => raw !== undefined) ? readings : []
  }
}
