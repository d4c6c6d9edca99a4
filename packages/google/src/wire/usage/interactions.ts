import {
  type CountReader,
  countReader,
  jsonObject,
  type UsageCounts,
  usageDetails,
} from '@token-meter/core/wire'
import { added, disjointCounts, mediaInput, modalityCounts } from './counts.ts'

/**
 * The `usage` of an interaction. Billed as generateContent's: input and tool use as input, output
 * and thoughts as output; cached tokens are a part of the input.
 *
 * @param usage the usage object as it came.
 */
export function interactionsUsage(usage: unknown): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const fields = jsonObject(usage)
  const list = (name: string) => modalityCounts(fields[name], name, problems)
  const inputs = list('input_tokens_by_modality')
  const toolUses = list('tool_use_tokens_by_modality')
  const cached = list('cached_tokens_by_modality')
  const outputs = list('output_tokens_by_modality')
  const thoughts =
    count(fields.total_thought_tokens, 'total_thought_tokens') ??
    count(fields.total_reasoning_tokens, 'total_reasoning_tokens')
  const input = {
    prompt: count(fields.total_input_tokens, 'total_input_tokens') ?? inputs.sum,
    cached: count(fields.total_cached_tokens, 'total_cached_tokens') ?? cached.sum,
  }
  const { tokens, total } = disjointCounts(
    {
      ...input,
      toolUse: count(fields.total_tool_use_tokens, 'total_tool_use_tokens') ?? toolUses.sum,
      candidates: count(fields.total_output_tokens, 'total_output_tokens') ?? outputs.sum,
      thoughts,
      total: count(fields.total_tokens, 'total_tokens'),
    },
    problems,
  )
  const details = usageDetails({
    reasoning: thoughts,
    ...mediaInput({ prompts: inputs, toolUses, cached }, input),
    audioOutput: outputs.audio,
    imageOutput: outputs.image,
    videoOutput: outputs.video,
    webSearchRequests: groundings(fields.grounding_tool_count, 'google_search', count),
    mapsRequests: groundings(fields.grounding_tool_count, 'google_maps', count),
  })
  return { tokens, total, details, problems }
}

function groundings(list: unknown, tool: string, count: CountReader): number | undefined {
  if (!Array.isArray(list)) return undefined
  const used = list.map(jsonObject).filter(({ type }) => type === tool)
  return added(...used.map((each) => count(each.count, 'count')))
}
