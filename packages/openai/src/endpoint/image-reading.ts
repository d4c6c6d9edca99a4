import { type Call, text, type UsageReading } from '@token-meter/core/wire'
import { imagesUsage } from '../usage/images.ts'

/**
 * The reading of a GPT image model's usage, which is on the requested model: none is answered.
 *
 * @param images how many there are: an image has output, whatever the usage says.
 */
export function imageReading(usage: unknown, call: Call, images: number): UsageReading {
  const task = call.endpoint === 'images.generations' ? 'generation' : 'edit'
  const counts = imagesUsage(usage, call.provider, task)
  const model = text(call.body.model)
  const output = images > 0 && counts.tokens.output === 0 ? undefined : counts.tokens.output
  return {
    ...counts,
    tokens: { ...counts.tokens, output },
    model,
    serviceTier: undefined,
    raw: usage,
    problems: unnamed(counts, model),
  }
}

// Which of the GPT image models the API takes then has changed with time and parameters.
function unnamed({ problems }: { problems: readonly string[] }, model: string | undefined) {
  if (model !== undefined) return problems
  return [...problems, 'no model is known: the request names none that can be seen']
}
