import {
  type TokenType,
  type UsageCounts,
  countReader,
  jsonObject,
  statedCost,
  usageDetails,
} from '@token-meter/core/wire'
import { disjointCounts } from './inclusive-usage.ts'
import { mediaTokens } from './details.ts'

/** What a model was given: a prompt alone, perhaps images too, or either and it draws SVG, as text. */
export type ImageTask = 'generation' | 'edit' | 'svg'

/**
 * The `usage` of a GPT image model, of the Images API and of the image tool of the Responses API
 * (`tool_usage.image_gen`), and the `svg_usage` of the model that drew an SVG. What is put out is
 * images, as far as the usage does not say otherwise. How much of an edit's input was images only
 * the usage can say: without that it is `unsplit`.
 *
 * @param usage the usage object as it came.
 * @param provider the server, by its host.
 * @param task what was asked for.
 */
export function imagesUsage(
  usage: unknown,
  provider = 'openai',
  task: ImageTask = 'generation',
): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const fields = jsonObject(usage)
  const input = jsonObject(fields.input_tokens_details)
  const output = jsonObject(fields.output_tokens_details)
  const reasoning =
    count(fields.reasoning_tokens, 'reasoning_tokens') ??
    count(output.reasoning_tokens, 'reasoning_tokens')
  const cached = jsonObject(fields.cached_tokens_details ?? input.cached_tokens_details)
  const media = mediaTokens({ input, output, cached }, count)
  const cachedText =
    count(cached.cached_text_tokens, 'cached_text_tokens') ??
    count(cached.text_tokens, 'text_tokens')
  const cachedInput =
    count(fields.cached_tokens, 'cached_tokens') ??
    count(input.cached_tokens, 'cached_tokens') ??
    sum(cachedText, media.cachedImageInput)
  const inputTokens = count(fields.input_tokens, 'input_tokens')
  const inputText = count(input.text_tokens, 'text_tokens')
  const {
    tokens,
    total,
    reasoning: inside,
  } = disjointCounts(
    {
      input: inputTokens,
      cachedInput,
      cachedWrite: undefined,
      output: count(fields.output_tokens, 'output_tokens'),
      reasoning,
      total: count(fields.total_tokens, 'total_tokens'),
    },
    provider,
    problems,
  )
  const imageInput = media.imageInput ?? difference(inputTokens, inputText)
  const unsplit: TokenType[] = []
  if (task === 'edit' && imageInput === undefined) unsplit.push('input')
  const mayCacheImages = task === 'edit' || (imageInput ?? 0) > 0
  const isCacheSplit = (media.cachedImageInput ?? cachedText) !== undefined
  if (mayCacheImages && cachedInput && !isCacheSplit) unsplit.push('cached_input')
  const details = usageDetails({
    ...media,
    reasoning: inside,
    imageInput,
    imageOutput:
      task === 'svg'
        ? media.imageOutput
        : imageOutput(tokens.output, {
            image: media.imageOutput,
            text: count(output.text_tokens, 'text_tokens'),
            reasoning: inside,
          }),
  })
  const stated = statedCost(fields, provider)
  return {
    tokens,
    total,
    details: { ...details, ...stated, ...(unsplit.length > 0 && { unsplit }) },
    problems,
  }
}

/** All of the output that is not said to be text; zeros of both beside an output say nothing. */
function imageOutput(
  output: number | undefined,
  said: Readonly<Record<'image' | 'text' | 'reasoning', number | undefined>>,
): number | undefined {
  if (output === undefined || said.image) return said.image
  return Math.max(0, output - (said.text || (said.reasoning ?? 0)))
}

function difference(all: number | undefined, part: number | undefined): number | undefined {
  return all === undefined || part === undefined || part > all ? undefined : all - part
}

function sum(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0)
}
