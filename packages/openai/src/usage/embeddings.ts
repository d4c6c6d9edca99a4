import {
  countReader,
  jsonObject,
  statedCost,
  type UsageCounts,
  usageDetails,
} from '@token-meter/core/wire'
import { mediaTokens } from './media-tokens.ts'

/**
 * The `usage` of an embeddings response: input only.
 *
 * @param usage the usage object as it came.
 * @param provider the server, by its host.
 */
export function embeddingsUsage(usage: unknown, provider = 'openai'): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const fields = jsonObject(usage)
  const total = count(fields.total_tokens, 'total_tokens')
  // A zero beside a total is a gap: some servers fill in the total alone.
  const stated =
    count(fields.prompt_tokens, 'prompt_tokens') ?? count(fields.input_tokens, 'input_tokens')
  const input = stated || (total ?? stated)
  if (total && input !== total) {
    problems.push(`the total is ${total}, though the input is ${input}: the input is counted`)
  }
  const prompt = jsonObject(fields.prompt_tokens_details)
  const { audioInput, imageInput, videoInput } = mediaTokens({ input: prompt, output: {} }, count)
  const details = {
    ...usageDetails({ audioInput, imageInput, videoInput }),
    ...statedCost(fields, provider),
  }
  return { tokens: { input, cachedInput: 0, cachedWrite: 0, output: 0 }, details, problems }
}
