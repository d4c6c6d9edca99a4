import { jsonObject, text } from '@token-meter/core/wire'
import { chatCompletionsUsage } from '../usage/chat-completions.ts'
import type { JobKind } from './job-kind.ts'

const finished = new Set<unknown>(['completed', 'failed', 'canceled', 'cancelled'])

function invocations(usage: unknown): number | null {
  const { invocation_count: count } = jsonObject(usage)
  return Number.isSafeInteger(count) && Number(count) > 0 ? Number(count) : null
}

/** Runs of evals: one reading for each model that was asked or judged. */
export const evalRuns: JobKind = {
  endpoint: 'evals.runs',
  isFinished: (status) => finished.has(status),
  billedFrom: ({ created_at: createdAt }) => createdAt,
  read({ per_model_usage: usages }, provider) {
    if (!Array.isArray(usages)) return []
    const named = usages.map((usage: unknown) => ({
      model: text(jsonObject(usage).model_name),
      usage,
    }))
    // In an order of its own, since record ids are derived from the place in the list.
    return named
      .toSorted((a, b) => ((a.model ?? '') < (b.model ?? '') ? -1 : 1))
      .map(({ model, usage }) => ({
        ...chatCompletionsUsage(usage, provider, 'sum'),
        requests: invocations(usage),
        model,
        serviceTier: undefined,
        raw: usage,
      }))
  },
}
