import { jsonObject } from '@token-meter/core/adapter'

/**
 * True for an error in place of an answer, which some gateways give with status 200: nothing was
 * generated, and nothing is owed.
 */
export function isErrorAnswer(body: unknown): boolean {
  const { type, error, usage, content } = jsonObject(body)
  if (usage !== undefined && usage !== null) return false
  return type === 'error' || (Boolean(error) && content === undefined)
}
