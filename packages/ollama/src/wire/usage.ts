import { countReader, jsonObject, type UsageCounts } from '@token-meter/core/wire'

/** What an answer says of its work: counts, and times in nanoseconds. */
const metrics = [
  'prompt_eval_count',
  'prompt_eval_cached_count',
  'eval_count',
  'total_duration',
  'load_duration',
  'prompt_eval_duration',
  'eval_duration',
] as const

/** The metrics of an answer, or of the last object of a stream; `undefined` where it has none. */
export function metricsOf(answer: unknown): object | undefined {
  const fields = jsonObject(answer)
  const found = metrics.filter((name) => fields[name] !== undefined && fields[name] !== null)
  if (found.length === 0) return undefined
  return Object.fromEntries(found.map((name) => [name, fields[name]]))
}

/** Whether metrics count any tokens: they may be times alone. */
export function hasCounts(usage: unknown): boolean {
  const { tokens } = ollamaUsage(usage)
  return Object.values(tokens).some(Boolean)
}

/**
 * The metrics of chat and generate, as disjoint counts. The prompt is counted with what was in the
 * cache, which newer servers say too; older ones leave the count of a cached prompt out, or say 0:
 * it is not known then. What the model thought is inside the output.
 * https://docs.ollama.com/api/usage
 */
export function ollamaUsage(usage: unknown): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const fields = jsonObject(usage)
  const prompt = count(fields.prompt_eval_count, 'prompt_eval_count')
  const cached = count(fields.prompt_eval_cached_count, 'prompt_eval_cached_count') ?? 0
  const output = count(fields.eval_count, 'eval_count')
  if (prompt !== undefined && cached > prompt) {
    problems.push(`${cached} cached tokens exceed the ${prompt} prompt tokens they are part of`)
  }
  const isInside = prompt !== undefined && cached <= prompt
  const cachedInput = isInside ? cached : 0
  const input = prompt === undefined ? undefined : prompt - cachedInput
  return { tokens: { input, cachedInput, cachedWrite: 0, output }, details: {}, problems }
}

/** The metrics of an embedding: input only. */
export function embedUsage(usage: unknown): UsageCounts {
  const { tokens, ...counts } = ollamaUsage(usage)
  return { ...counts, tokens: { ...tokens, output: 0 } }
}

/** The `usage` of System One, which has the shape of no other answer of Ollama's. */
export function systemOneUsage(usage: unknown): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems)
  const fields = jsonObject(usage)
  const input = count(fields.input_tokens, 'input_tokens')
  const output = count(fields.output_tokens, 'output_tokens')
  const tokens = { input, cachedInput: 0, cachedWrite: 0, output }
  return { tokens, details: {}, problems }
}
