import { jsonObject } from '@token-meter/core/adapter'

/** True for an error in place of an answer: nothing was generated, and nothing is owed. */
export function isRefusal(body: unknown): boolean {
  const { error, usageMetadata, candidates } = jsonObject(body)
  return Boolean(error) && usageMetadata === undefined && candidates === undefined
}
