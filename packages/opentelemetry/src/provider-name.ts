import type { Convention } from './opentelemetry-sink-options.ts'

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
