import { refusalOf } from '../errors/refusal.ts'
import type { Sink } from '../sink/sink.ts'
import type { SinkResult } from '../sink/sink-result.ts'

/** The longest that one result of a sink can hold a record up, in ms. */
const maxWaitMs = 60 * 60 * 1000

/**
 * A sink's answer as results that can be trusted: sinks are written by others, and what is not
 * understood must neither count as delivered nor become a dead letter.
 * @throws when it is not one result per record.
 */
export function checkedResults(
  { name }: Sink,
  answer: unknown,
  recordCount: number,
): readonly SinkResult[] {
  const count = Array.isArray(answer) ? answer.length : 0
  if (count !== recordCount) {
    throw new Error(
      `the sink "${name}" answered ${count} results for ${recordCount} records; it must answer one per record, in order`,
    )
  }
  return Array.from(answer as readonly unknown[], (result) => checkedResult(name, result))
}

/** One of them, which a sink may also report while it sends. */
export function checkedResult(sink: string, given: unknown): SinkResult {
  const { status, reason, afterMs, recordOnly, deliveredEventIds, ...rest } = (given ??
    {}) as Partial<Record<ResultField, unknown>>
  const { uncertain, uncertainEventIds, uncertainIn, ...refusal } = rest
  const delivered = Array.isArray(deliveredEventIds) && {
    deliveredEventIds: deliveredEventIds.filter((id): id is string => typeof id === 'string'),
  }
  if (status === 'accepted') {
    return { ...delivered, status, ...(rest['code'] === 'covered' && { code: 'covered' }) }
  }
  if (status === 'rejected' && typeof reason === 'string') {
    return { ...delivered, status, reason, ...refusalOf(refusal) }
  }
  if (status === 'retry') {
    const waitMs = checkedWait(afterMs)
    return {
      ...delivered,
      status,
      reason: typeof reason === 'string' ? reason : `the sink "${sink}" gave no reason`,
      ...(waitMs !== undefined && { afterMs: waitMs }),
      ...(uncertain === true && { uncertain }),
      ...(Array.isArray(uncertainEventIds) && {
        uncertainEventIds: uncertainEventIds.filter((id): id is string => typeof id === 'string'),
      }),
      ...(typeof uncertainIn === 'string' && { uncertainIn }),
      ...(recordOnly === true && { recordOnly }),
    }
  }
  const lack =
    status === 'rejected' ? 'a rejection without a reason' : 'a result of no known status'
  return {
    ...delivered,
    status: 'retry',
    reason: `the sink "${sink}" answered ${lack}: expected accepted, retry, or rejected with a reason`,
    uncertain: true,
  }
}

/**
 * Whether the backend took anything of a batch; a record that it refuses for good shows too that it is
 * there. `undefined` where all that failed is a record's own matter, or nothing was sent because it is
 * paid for, which says nothing of the backend.
 */
export function isTakenByBackend(results: readonly SinkResult[]): boolean | undefined {
  const ofBackend = results.filter((result) =>
    result.status === 'retry'
      ? !result.recordOnly
      : result.status === 'rejected' || result.code === undefined,
  )
  if (ofBackend.length === 0) return undefined
  return ofBackend.some(({ status }) => status !== 'retry')
}

type ResultField =
  | keyof Extract<SinkResult, { status: 'accepted' }>
  | keyof Extract<SinkResult, { status: 'retry' }>
  | keyof Extract<SinkResult, { status: 'rejected' }>

function checkedWait(afterMs: unknown): number | undefined {
  const isWait = typeof afterMs === 'number' && Number.isFinite(afterMs) && afterMs >= 0
  return isWait ? Math.min(afterMs, maxWaitMs) : undefined
}
