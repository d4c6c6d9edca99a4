import type { Attributes } from '@opentelemetry/api'
import type { UsageRecord } from '@token-meter/core/sink'
import type { Convention, OpenTelemetrySinkSettings } from './options.ts'

/** What every metric of a record is broken down by. */
export function recordAttributes(
  record: UsageRecord,
  { attributes, customer, convention }: OpenTelemetrySinkSettings,
): Attributes {
  const provider = convention === '1.36' ? 'gen_ai.system' : 'gen_ai.provider.name'
  const own = attributes.flatMap((name) => {
    const value = Object.hasOwn(record.attributes, name) ? record.attributes[name] : undefined
    return value === undefined ? [] : [[name, value]]
  })
  return {
    ...(Object.fromEntries(own) as Attributes),
    'gen_ai.operation.name': operationName(record.endpoint),
    [provider]: providerName(record.provider, convention),
    'gen_ai.response.model': record.model,
    ...(record.requestedModel !== null && { 'gen_ai.request.model': record.requestedModel }),
    ...(record.unbilled !== undefined && { 'token_meter.unbilled': record.unbilled }),
    ...(customer && record.customer !== null && { 'token_meter.customer': record.customer }),
  }
}

/** Providers that the convention writes otherwise; the rest has the same name, or none there. */
const names: Readonly<Record<string, string>> = {
  azure: 'azure.ai.openai',
  bedrock: 'aws.bedrock',
  google: 'gcp.gemini',
  mistral: 'mistral_ai',
  moonshotai: 'moonshot_ai',
  vertex: 'gcp.vertex_ai',
  xai: 'x_ai',
}

/** Where version 1.36 had another name. */
const namesOf136: Readonly<Record<string, string>> = {
  ...names,
  moonshotai: 'moonshotai',
  xai: 'xai',
}

/** A provider as `gen_ai.provider.name`, or `gen_ai.system` in version 1.36, has it. */
export function providerName(provider: string, convention: Convention): string {
  const known = convention === '1.36' ? namesOf136 : names
  return Object.hasOwn(known, provider) ? (known[provider] as string) : provider
}

/** `gen_ai.operation.name` by endpoint, where the convention has a name for it. */
const operations: Readonly<Record<string, string>> = {
  'chat.completions': 'chat',
  responses: 'chat',
  'responses.compact': 'chat',
  'threads.runs': 'chat',
  messages: 'chat',
  realtime: 'chat',
  languageModel: 'chat',
  chat: 'chat',
  summarize: 'chat',
  generate: 'text_completion',
  completions: 'text_completion',
  embeddings: 'embeddings',
  embedContent: 'embeddings',
  embeddingModel: 'embeddings',
  embed: 'embeddings',
  generateContent: 'generate_content',
  interactions: 'generate_content',
  live: 'generate_content',
  generateImages: 'generate_content',
  generateVideos: 'generate_content',
  imageModel: 'generate_content',
  speechModel: 'generate_content',
  'images.generations': 'generate_content',
  'images.edits': 'generate_content',
  'images.variations': 'generate_content',
  'audio.speech': 'generate_content',
  videos: 'generate_content',
}

/** The endpoint's own name where the convention has none: a batch, a transcription, a manual record. */
export function operationName(endpoint: string): string {
  return Object.hasOwn(operations, endpoint) ? (operations[endpoint] as string) : endpoint
}
