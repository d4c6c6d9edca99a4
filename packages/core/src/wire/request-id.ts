import type { ResponseHeaders } from './response-headers.ts'

/** What providers name a request by, in the headers of the answer. */
const names: readonly string[] = [
  // OpenAI and most that speak its language.
  'x-request-id',
  // Anthropic.
  'request-id',
  // Amazon Bedrock, Azure.
  'x-amzn-requestid',
  'apim-request-id',
]

/** The provider's id of a request, from the headers of its answer; `undefined` where there is none. */
export function requestIdOf(headers: ResponseHeaders | undefined): string | undefined {
  for (const name of names) {
    const value = headers?.get(name)
    if (value) return value
  }
  return undefined
}
