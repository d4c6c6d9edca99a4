import {
  type CountReader,
  countReader,
  jsonObject,
  type UsageCounts,
  usageDetails,
} from '@token-meter/core/wire'
import { added, modalityCounts } from './counts.ts'

/**
 * The usage of embeddings: input only.
 *
 * @param response the whole response as it came, because each API keeps the count elsewhere:
 * `usageMetadata.promptTokenCount` (embedContent, batchEmbedContents),
 * `predictions[].embeddings.statistics.token_count` (Vertex `predict`), `tokenCount` (batches).
 */
export function embedContentUsage(response: unknown): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const { usageMetadata, predictions, metadata, tokenCount } = jsonObject(response)
  const usage = jsonObject(usageMetadata)
  const prompts = modalityCounts(
    usage.promptTokensDetails ?? usage.promptTokenDetails,
    'promptTokensDetails',
    problems,
  )
  // A zero is a gap where another field has a count.
  const counts = [
    count(usage.promptTokenCount, 'promptTokenCount'),
    prompts.sum,
    count(usage.totalTokenCount, 'totalTokenCount'),
    predictedTokens(predictions, count),
    count(tokenCount, 'tokenCount'),
  ]
  const input = counts.find(Boolean) ?? counts.find((each) => each !== undefined)
  const details = usageDetails({
    audioInput: prompts.audio,
    imageInput: prompts.image,
    videoInput: prompts.video,
    characters: count(jsonObject(metadata).billableCharacterCount, 'billableCharacterCount'),
  })
  return { tokens: { input, cachedInput: 0, cachedWrite: 0, output: 0 }, details, problems }
}

function predictedTokens(predictions: unknown, count: CountReader): number | undefined {
  if (!Array.isArray(predictions)) return undefined
  const statistics = predictions.map((prediction) =>
    jsonObject(jsonObject(jsonObject(prediction).embeddings).statistics),
  )
  return added(...statistics.map((each) => count(each.token_count, 'token_count')))
}
