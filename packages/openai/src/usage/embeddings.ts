import { countReader, jsonObject, type UsageCounts } from '@token-meter/core/adapter'

/**
 * The `usage` of an embeddings response: input only.
 *
 * @param usage the usage object as it came.
 */
export function embeddingsUsage(usage: unknown): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const fields = jsonObject(usage)
  const total = count(fields.total_tokens, 'total_tokens')
  // A zero beside a total is a gap: some servers fill in the total alone.
  const prompt =
    count(fields.prompt_tokens, 'prompt_tokens') ?? count(fields.input_tokens, 'input_tokens')
  const input = prompt || (total ?? prompt)
  if (total && input !== total) {
    problems.push(`the total is ${total}, though the input is ${input}: the input is counted`)
  }
  return { tokens: { input, cachedInput: 0, cachedWrite: 0, output: 0 }, details: {}, problems }
}
