import { text, unknownUsage } from '@token-meter/core/wire'
import { chatCompletionsUsage } from '../usage/chat-completions.ts'
import type { JobKind } from './job-kind.ts'

const finished = new Set<unknown>(['completed', 'incomplete', 'failed', 'cancelled', 'expired'])
const owesUsage = new Set<unknown>(['completed', 'incomplete'])

/** Runs of assistants on threads. Their steps have usage too, which is part of the run's. */
export const assistantRuns: JobKind = {
  endpoint: 'threads.runs',
  isFinished: (status) => finished.has(status),
  goesOnIn: new Set(['queued', 'in_progress', 'cancelling']),
  billedFrom: ({ created_at: createdAt }) => createdAt,
  read(run, provider) {
    const { usage, status } = run
    const model = text(run.model)
    if (usage === undefined || usage === null) {
      return owesUsage.has(status) ? [unknownUsage(model)] : []
    }
    const counts = chatCompletionsUsage(usage, provider, 'sum')
    // The sum of its steps, each of which asks the model, and one tool after the other.
    return [{ ...counts, requests: null, model, serviceTier: undefined, raw: usage }]
  },
}
