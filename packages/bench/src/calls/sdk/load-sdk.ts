import { loadAnthropic } from './anthropic.ts'
import { loadGenai } from './genai.ts'
import { loadOpenAI } from './openai.ts'
import type { Sdk, SdkName } from './sdk.ts'

/** The SDKs as the workspace has them. */
export function loadSdk(name: SdkName, copy: string): Promise<Sdk> {
  switch (name) {
    case 'openai7':
      return loadOpenAI('openai', 'workspace', copy)
    case 'openai6':
      return loadOpenAI('openai6', 'workspace', copy)
    case 'anthropic':
      return loadAnthropic(copy)
    case 'genai':
      return loadGenai(copy)
  }
}
