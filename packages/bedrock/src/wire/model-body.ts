import {
  countReader,
  type CountReader,
  jsonObject,
  text,
  type TokenEstimate,
  unknownUsage,
  usageDetails,
  type UsageReading,
} from '@token-meter/core/wire'

type Json = Readonly<Record<string, unknown>>

/**
 * What an answer of InvokeModel says whose maker has a body of its own: Titan, Llama, Mistral's text
 * completion, Cohere, Jurassic, embeddings, reranking and images. Each field that is read has one
 * meaning, whoever writes it, so that no model has to be known by its name.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
 */
export function bodyReading(response: unknown, request: Json): UsageReading {
  const fields = jsonObject(response)
  const problems: string[] = []
  const count = countReader(problems)
  const stated = statedCounts(fields, count)
  const isSilent = stated.input === undefined && stated.output === undefined
  const { isByPiece, details } = pieces(fields, request, count)
  const hasNoOutput = isByPiece || isVectors(fields) || isRanking(fields)
  return {
    ...unknownUsage(text(fields.model)),
    tokens: {
      input: stated.input ?? (isByPiece ? 0 : undefined),
      cachedInput: isByPiece ? 0 : undefined,
      cachedWrite: isByPiece ? 0 : undefined,
      output: stated.output ?? (hasNoOutput ? 0 : undefined),
    },
    details,
    responseId: text(fields.id) ?? text(fields.response_id) ?? text(fields.generation_id),
    raw: isSilent ? undefined : stated.raw,
    problems,
  }
}

interface Stated {
  readonly input: number | undefined
  readonly output: number | undefined
  readonly raw: Json
}

function statedCounts(fields: Json, count: CountReader): Stated {
  const { prompt, completions, meta } = fields
  // Cohere bills by these, not by the tokens that it counts beside: https://cohere.com/pricing
  const billed = jsonObject(jsonObject(meta).billed_units)
  if (Object.keys(billed).length > 0) {
    return {
      input: count(billed.input_tokens, 'billed_units.input_tokens'),
      output: count(billed.output_tokens, 'billed_units.output_tokens'),
      raw: billed,
    }
  }
  // Jurassic lists its tokens instead of counting them.
  if (Array.isArray(completions)) {
    const all = [prompt, ...completions.map((each) => jsonObject(each).data)]
    const [input, ...outputs] = all.map((part) => jsonObject(part).tokens)
    if (Array.isArray(input) && outputs.every((each) => Array.isArray(each))) {
      const output = outputs.reduce((sum, tokens) => sum + (tokens as unknown[]).length, 0)
      return { input: input.length, output, raw: { input: input.length, output } }
    }
  }
  const { prompt_token_count, generation_token_count, inputTextTokenCount } = fields
  const { totalOutputTextTokenCount, results } = fields
  const input =
    count(prompt_token_count, 'prompt_token_count') ??
    count(inputTextTokenCount, 'inputTextTokenCount')
  const tokenCount = resultTokens(results, count)
  const output =
    count(generation_token_count, 'generation_token_count') ??
    count(totalOutputTextTokenCount, 'totalOutputTextTokenCount') ??
    tokenCount
  const raw = Object.fromEntries(
    Object.entries(fields).filter(([name]) => /_?token_?count$/i.test(name)),
  )
  return { input, output, raw: tokenCount === undefined ? raw : { ...raw, tokenCount } }
}

/** Titan's, of several answers to one prompt. */
function resultTokens(results: unknown, count: CountReader): number | undefined {
  if (!Array.isArray(results)) return undefined
  let sum: number | undefined
  for (const each of results) {
    const tokens = count(jsonObject(each).tokenCount, 'tokenCount')
    if (tokens !== undefined) sum = (sum ?? 0) + tokens
  }
  return sum
}

/** What is billed by the piece, and not by the token. */
function pieces(fields: Json, request: Json, count: CountReader) {
  const billed = jsonObject(jsonObject(fields.meta).billed_units)
  // Stability's answer to a prompt that its filter has refused has no images.
  const isFiltered = Array.isArray(fields.finish_reasons)
  const images =
    isImages(fields) || isFiltered ? listOf(fields.images ?? fields.artifacts).length : undefined
  const searches = isRanking(fields)
    ? (count(billed.search_units, 'billed_units.search_units') ?? searchUnits(request))
    : undefined
  return {
    isByPiece: images !== undefined || searches !== undefined,
    details: usageDetails({
      images: images ?? count(billed.images, 'billed_units.images'),
      searchUnits: searches,
    }),
  }
}

/** A query is of up to 100 documents: https://aws.amazon.com/bedrock/pricing */
const documentsOfSearch = 100

function searchUnits({ documents }: Json): number | undefined {
  const { length } = listOf(documents)
  return length > 0 ? Math.ceil(length / documentsOfSearch) : undefined
}

function isImages({ images, artifacts }: Json): boolean {
  return Array.isArray(images) || Array.isArray(artifacts)
}

function isVectors({ embedding, embeddings, embeddingsByType }: Json): boolean {
  return [embedding, embeddings, embeddingsByType].some((each) => typeof each === 'object' && each)
}

function isRanking({ results }: Json): boolean {
  return listOf(results).some((each) => jsonObject(each).relevance_score !== undefined)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Adds what a model wrote, in an answer or in one event of a stream. */
export function addBodyText(response: unknown, estimate: TokenEstimate): void {
  const fields = jsonObject(response)
  for (const name of ['generation', 'outputText', 'completion', 'text'] as const) {
    estimate.add(fields[name])
  }
  if (typeof fields.message === 'string') estimate.add(fields.message)
  for (const name of ['results', 'outputs', 'generations', 'completions', 'choices'] as const) {
    for (const each of listOf(fields[name])) {
      const { outputText, text: words, data } = jsonObject(each)
      estimate.add(outputText)
      estimate.add(words)
      estimate.add(jsonObject(data).text)
    }
  }
  if (isVectors(fields) || isImages(fields) || isRanking(fields)) estimate.addAnswer()
}
