import type { Fault } from '../http/fault.ts'
import type { FakeRequest } from '../http/fake-request.ts'

/**
 * How many requests came after one of the same idempotency key that had been processed: its answer
 * was lost, or the process that waited for it.
 */
export function countRepeats(
  requests: readonly FakeRequest[],
  faultAt: (index: number) => Fault | undefined,
): number {
  const processed = new Set<string>()
  let repeats = 0
  for (const [index, { headers, status }] of requests.entries()) {
    const key = String(headers['idempotency-key'])
    if (processed.has(key)) repeats += 1
    else if (status === 200 || faultAt(index)?.processed === true) processed.add(key)
  }
  return repeats
}
