import type { ReplayEvent } from './replay-reply.ts'

/**
 * A script of chat completion chunks as OpenAI sends it: with `stream_options.include_usage` every
 * chunk has `usage: null` and a last one has the usage and no choices; without it, neither exists.
 */
export function asRequested(script: readonly ReplayEvent[], body: unknown): readonly ReplayEvent[] {
  if (asksForUsage(body)) {
    return script.map((chunk) => (isUsageOnly(chunk) ? chunk : { ...chunk, usage: null }))
  }
  return script.filter((chunk) => !isUsageOnly(chunk)).map(withoutUsage)
}

function asksForUsage(body: unknown): boolean {
  const request = body as { stream_options?: { include_usage?: unknown } | null } | null | undefined
  return request?.stream_options?.include_usage === true
}

function isUsageOnly(chunk: ReplayEvent): boolean {
  return Array.isArray(chunk.choices) && chunk.choices.length === 0 && Boolean(chunk.usage)
}

function withoutUsage(chunk: ReplayEvent): ReplayEvent {
  return Object.fromEntries(Object.entries(chunk).filter(([key]) => key !== 'usage'))
}
