import { jsonObject, text, type UsageReading } from '@token-meter/core/wire'
import { imagesUsage } from '../usage/images.ts'
import { svgReading } from './svg-reading.ts'

/** The image tool's model where the tool names none: https://developers.openai.com/api/docs/guides/tools-image-generation */
const defaultImageModel = 'gpt-image-2'

/**
 * What the tools of a response used on models of their own, beside the response's `usage`: the
 * image tool in `tool_usage.image_gen`, and whoever drew an SVG in the item of its call.
 */
export function toolReadings(
  response: Readonly<Record<string, unknown>>,
  provider: string,
): readonly UsageReading[] {
  const { tools, output } = response
  const usage = jsonObject(response.tool_usage).image_gen
  const items: readonly unknown[] = Array.isArray(output) ? output : []
  return [
    ...(typeof usage === 'object' && usage !== null
      ? [imageTool(usage, tools, items, provider)]
      : []),
    ...items.flatMap((item) => svgReading(jsonObject(item).svg_usage, provider)),
  ]
}

function imageTool(
  usage: object,
  tools: unknown,
  items: readonly unknown[],
  provider: string,
): UsageReading {
  const all: readonly unknown[] = Array.isArray(tools) ? tools : []
  const tool = all.map(jsonObject).find(({ type }) => type === 'image_generation')
  const model = text(tool?.model) ?? defaultImageModel
  // It may have been given the images of the conversation, unless its calls say otherwise.
  const calls = items.map(jsonObject).filter((item) => item.type === 'image_generation_call')
  const isPromptOnly = calls.length > 0 && calls.every(({ action }) => action === 'generate')
  const counts = imagesUsage(usage, provider, isPromptOnly ? 'generation' : 'edit')
  // A response without images has the object all the same, full of zeros or empty.
  const isUsed = counts.tokens.input !== undefined || counts.tokens.output !== undefined
  const { input = 0, output = 0, cachedInput, cachedWrite } = counts.tokens
  const problems =
    isUsed && counts.tokens.output === undefined
      ? [...counts.problems, 'the image tool counts no output']
      : counts.problems
  return {
    details: counts.details,
    tokens: { input, cachedInput, cachedWrite, output },
    problems,
    model,
    serviceTier: undefined,
    isBeside: true,
    raw: usage,
  }
}
