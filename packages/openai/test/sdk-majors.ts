import OpenAI7 from 'openai'
import OpenAI5 from 'openai5'
import OpenAI6 from 'openai6'

/** Every major behaves alike where the tests look, so they are written against the newest's types. */
export type SdkClient = OpenAI7
export type SdkClass = typeof OpenAI7

/** The majors of the SDK, each installed under its own name. */
export const sdkMajors: readonly { readonly major: number; readonly OpenAI: SdkClass }[] = [
  { major: 5, OpenAI: OpenAI5 as unknown as SdkClass },
  { major: 6, OpenAI: OpenAI6 as unknown as SdkClass },
  { major: 7, OpenAI: OpenAI7 },
]
