import { jsonObject, text, type UsageReading } from '@token-meter/core/wire'
import { responsesUsage } from '../usage/responses.ts'
import { unreadUsage } from '../usage/unread-usage.ts'
import type { Job, JobKind } from './job-kind.ts'

const finished = new Set<unknown>(['completed', 'cancelled', 'expired', 'failed'])

/**
 * Batches are billed by the totals of the batch, never by the lines of its output file: reading the
 * file as well would bill twice. A batch that was cancelled or has expired owes what it has done.
 */
export const batches: JobKind = {
  endpoint: 'batches',
  isFinished: (status) => finished.has(status),
  // A batch may take a day until it is done.
  billedFrom: ({ completed_at, cancelled_at, expired_at, failed_at, created_at }) =>
    completed_at ?? cancelled_at ?? expired_at ?? failed_at ?? created_at,
  read(batch: Job, provider: string): readonly UsageReading[] {
    if (isFree(batch.endpoint)) return []
    const model = text(batch.model)
    const { usage } = batch
    const { completed } = jsonObject(batch.request_counts)
    const total = Number(jsonObject(usage).total_tokens)
    if (usage === undefined || usage === null || (total === 0 && Number(completed) > 0)) {
      if (batch.status !== 'completed' && !(Number(completed) > 0)) return []
      return [unreadUsage(model, 'a finished batch has no usage: record() that of its output file')]
    }
    const requests =
      Number.isSafeInteger(completed) && Number(completed) > 0 ? Number(completed) : null
    const counts = responsesUsage(usage, provider, 'sum')
    return [{ ...counts, requests, model, serviceTier: 'batch', raw: usage }]
  },
}

function isFree(endpoint: unknown): boolean {
  return endpoint === '/v1/moderations'
}
