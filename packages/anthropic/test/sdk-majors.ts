import Anthropic1 from '@anthropic-ai/sdk'
import Anthropic0137 from 'anthropic0137'
import Anthropic060 from 'anthropic060'

/** Every version behaves alike where the tests look, so they are written against the newest's types. */
export type SdkClient = Anthropic1
export type SdkClass = typeof Anthropic1

/** The versions of the SDK, each installed under its own name; middleware came with 0.101. */
export const sdkMajors: readonly {
  readonly version: number
  readonly Anthropic: SdkClass
}[] = [
  { version: 0.6, Anthropic: Anthropic060 as unknown as SdkClass },
  { version: 0.137, Anthropic: Anthropic0137 as unknown as SdkClass },
  { version: 1, Anthropic: Anthropic1 },
]

/** Those with helpers that 0.60 has not: `parse`, `toolRunner`, middleware. */
export const laterMajors = sdkMajors.filter(({ version }) => version !== 0.6)
