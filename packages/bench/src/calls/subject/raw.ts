import { loadSdk } from '../sdk/load-sdk.ts'
import type { SubjectDefinition } from './subject.ts'

/** The SDK itself once more: what it differs by is the error of the measurement. */
export const raw: SubjectDefinition = {
  name: 'raw (control)',
  isPeer: false,
  sdks: ['openai7', 'openai6', 'anthropic', 'genai'],
  async load(name) {
    const sdk = await loadSdk(name, 'subject')
    return { sdk, connect: (options) => sdk.connect(options) }
  },
}
