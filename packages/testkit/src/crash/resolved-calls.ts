import type { ResolvedCall } from './call-log.ts'

/** An LLM call waits no longer for an outbox that is slow to acknowledge its usage, in ms. */
const longestWaitMs = 5000

/**
 * What is wrong with calls that had resolved: all of them are recorded, under the id that was
 * acknowledged. Only where the outbox kept its caller waiting for too long can it have been neither
 * acknowledged nor recorded.
 * @param idOf the record ids of recorded calls.
 */
export function resolvedProblems(
  resolved: readonly ResolvedCall[],
  idOf: ReadonlyMap<string, string>,
): readonly string[] {
  return resolved.flatMap(({ key, recordId, tookMs }) => {
    const id = idOf.get(key)
    if (recordId !== undefined && recordId !== id) {
      return `${key} was acknowledged as ${recordId}, and is not recorded so`
    }
    if (recordId !== undefined || tookMs >= longestWaitMs) return []
    return `${key} had resolved within ${tookMs} ms without being acknowledged`
  })
}

/** Calls that were not waited for, and whose usage died with their process. */
export function countUnacknowledgedLost(
  resolved: readonly ResolvedCall[],
  idOf: ReadonlyMap<string, string>,
): number {
  return resolved.filter(({ key, recordId }) => recordId === undefined && !idOf.has(key)).length
}
