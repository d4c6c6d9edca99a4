import { countReader, jsonObject, type UsageCounts, usageDetails } from '@token-meter/core/adapter'
import { disjointCounts } from './inclusive-usage.ts'

/**
 * The `usage` of a GPT image model, of the Images API and of the image tool of the Responses API
 * (`tool_usage.image_gen`), and the `svg_usage` of the model that drew an SVG.
 *
 * @param usage the usage object as it came.
 * @param provider the server, by its host.
 */
export function imagesUsage(usage: unknown, provider = 'openai'): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const fields = jsonObject(usage)
  const input = jsonObject(fields.input_tokens_details)
  const output = jsonObject(fields.output_tokens_details)
  const cached = jsonObject(fields.cached_tokens_details)
  const reasoning =
    count(fields.reasoning_tokens, 'reasoning_tokens') ??
    count(output.reasoning_tokens, 'reasoning_tokens')
  const cachedImageInput = count(cached.cached_image_tokens, 'cached_image_tokens')
  const cachedInput =
    count(fields.cached_tokens, 'cached_tokens') ??
    count(input.cached_tokens, 'cached_tokens') ??
    sum(count(cached.cached_text_tokens, 'cached_text_tokens'), cachedImageInput)
  const {
    tokens,
    total,
    reasoning: inside,
  } = disjointCounts(
    {
      input: count(fields.input_tokens, 'input_tokens'),
      cachedInput,
      cachedWrite: undefined,
      output: count(fields.output_tokens, 'output_tokens'),
      reasoning,
      total: count(fields.total_tokens, 'total_tokens'),
    },
    provider,
    problems,
  )
  const details = usageDetails({
    reasoning: inside,
    imageInput: count(input.image_tokens, 'image_tokens'),
    cachedImageInput,
    imageOutput: count(output.image_tokens, 'image_tokens'),
  })
  return { tokens, total, details, problems }
}

function sum(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0)
}
