import { jsonObject } from '@token-meter/core/adapter'

/**
 * True for an error in place of an answer, which some servers give with status 200, or as the first
 * event of a stream: nothing was generated, and nothing is owed.
 */
export function isRefusal(body: unknown): boolean {
  const { error, type, usage, choices, data, output } = jsonObject(body)
  if (usage !== undefined && usage !== null) return false
  if (type === 'error') return true
  return Boolean(error) && choices === undefined && data === undefined && output === undefined
}
