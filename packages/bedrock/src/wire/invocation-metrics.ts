import {
  allInput,
  countReader,
  type HttpHeaders,
  jsonObject,
  type UsageCounts,
  type UsageReading,
} from '@token-meter/core/wire'

/** Counts of AWS's own for one invocation, whatever the maker's answer says. */
type Metrics = UsageCounts['tokens']

/** In the last event of a stream of InvokeModel. */
export const metricsField = 'amazon-bedrock-invocationMetrics'

/** What was read from and written to the cache stands beside `inputTokenCount`. */
export function metricsOf(invocationMetrics: unknown): Metrics {
  const count = countReader([])
  const fields = jsonObject(invocationMetrics)
  return {
    input: count(fields.inputTokenCount, 'inputTokenCount'),
    cachedInput: count(fields.cacheReadInputTokenCount, 'cacheReadInputTokenCount'),
    cachedWrite: count(fields.cacheWriteInputTokenCount, 'cacheWriteInputTokenCount'),
    output: count(fields.outputTokenCount, 'outputTokenCount'),
  }
}

/** The same in the headers of an answer that is no stream, where AWS counts the model at all. */
export function headerMetrics(headers: HttpHeaders | undefined): Readonly<Record<string, number>> {
  const metrics: Record<string, number> = {}
  for (const [header, name] of headerNames) {
    const value = headers?.get(`x-amzn-bedrock-${header}-token-count`)
    if (value && /^\d{1,15}$/.test(value)) metrics[name] = Number(value)
  }
  return metrics
}

const headerNames = [
  ['input', 'inputTokenCount'],
  ['output', 'outputTokenCount'],
  ['cache-read-input', 'cacheReadInputTokenCount'],
  ['cache-write-input', 'cacheWriteInputTokenCount'],
] as const

/**
 * A reading with AWS's counts in the place of those that the maker's answer does not give, or gives as
 * 0 where AWS counted something. What the answer does give stands: the headers of some models do not
 * count all of it.
 *
 * @param raw the metrics as they came.
 */
export function withMetrics(reading: UsageReading, raw: Readonly<Record<string, unknown>>) {
  const metrics = metricsOf(raw)
  const { input, output, ...cached } = reading.tokens
  const lacksInput = input === undefined || (input === 0 && allInput({ input, ...cached }) === 0)
  const takesInput = lacksInput && allInput(metrics) > 0
  const takesOutput = !output && (metrics.output ?? 0) > 0
  const takesZero = output === undefined && metrics.output === 0
  if (!takesInput && !takesOutput && !takesZero) return reading
  return {
    ...reading,
    tokens: {
      ...reading.tokens,
      ...(takesInput && { ...metrics, output: reading.tokens.output }),
      ...((takesOutput || takesZero) && { output: metrics.output }),
    },
    raw: reading.raw ?? raw,
  }
}
