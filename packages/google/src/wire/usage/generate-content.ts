import {
  countReader,
  jsonObject,
  text,
  type UsageCounts,
  usageDetails,
} from '@token-meter/core/wire'
import { disjointCounts, mediaInput, modalityCounts } from './counts.ts'

/**
 * The `usageMetadata` of generateContent, of each turn of the Live API (which says
 * `responseTokenCount`), and of batch responses. Billed are prompt and tool-use prompt as input,
 * candidates and thoughts as output; cached tokens are a part of the prompt.
 *
 * @param usageMetadata the object as it came.
 */
export function generateContentUsage(usageMetadata: unknown): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const fields = jsonObject(usageMetadata)
  const list = (name: string) => modalityCounts(fields[name], name, problems)
  const prompts = list('promptTokensDetails')
  const toolUses = list('toolUsePromptTokensDetails')
  const cached = list('cacheTokensDetails')
  const candidates = list(
    Array.isArray(fields.candidatesTokensDetails)
      ? 'candidatesTokensDetails'
      : 'responseTokensDetails',
  )
  const thoughts = count(fields.thoughtsTokenCount, 'thoughtsTokenCount')
  const input = {
    prompt: count(fields.promptTokenCount, 'promptTokenCount') ?? prompts.sum,
    cached: count(fields.cachedContentTokenCount, 'cachedContentTokenCount') ?? cached.sum,
  }
  const { tokens, total } = disjointCounts(
    {
      ...input,
      toolUse: count(fields.toolUsePromptTokenCount, 'toolUsePromptTokenCount') ?? toolUses.sum,
      candidates:
        count(fields.candidatesTokenCount, 'candidatesTokenCount') ??
        count(fields.responseTokenCount, 'responseTokenCount') ??
        candidates.sum,
      thoughts,
      total: count(fields.totalTokenCount, 'totalTokenCount'),
    },
    problems,
  )
  const details = usageDetails({
    reasoning: thoughts,
    ...mediaInput({ prompts, toolUses, cached }, input),
    audioOutput: candidates.audio,
    imageOutput: candidates.image,
    videoOutput: candidates.video,
  })
  return { tokens, total, details, problems }
}

/**
 * At what price it was served: `serviceTier` of the Gemini API, `trafficType` of Vertex AI.
 *
 * @param usageMetadata the object as it came.
 */
export function servedTier(usageMetadata: unknown): string | undefined {
  const { serviceTier, trafficType } = jsonObject(usageMetadata)
  return text(serviceTier) ?? text(trafficType)
}
