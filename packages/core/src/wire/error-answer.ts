import { jsonObject } from '../lib/json.ts'

/**
 * True for an error in place of an answer, which some servers give with status 200, or as the first
 * event of a stream: nothing was generated, and nothing is owed.
 *
 * @param usageField what has the usage: an error beside it is owed.
 * @param answerFields what an answer has at least one of, even where it says `error` too.
 */
export function isErrorAnswer(
  body: unknown,
  usageField: string,
  answerFields: readonly string[],
): boolean {
  const fields = jsonObject(body)
  const isThere = (name: string) => fields[name] !== undefined && fields[name] !== null
  if (isThere(usageField)) return false
  if (fields.type === 'error') return true
  return Boolean(fields.error) && !answerFields.some(isThere)
}
