import { FlushError } from '../errors/errors.ts'
import { settledWithin } from '../lib/timing.ts'

/**
 * Waits until usage has come that is still read from responses which their callers have left.
 * Answers false when there is none.
 * @param coming each ends when one of them has been read, however.
 * @param deadline when a flush of `timeoutMs` is over, by `performance.now()`.
 * @throws FlushError when it is over before.
 */
export async function haveCome(
  coming: readonly Promise<unknown>[],
  timeoutMs: number,
  deadline: number,
): Promise<boolean> {
  if (coming.length === 0) return false
  let left = coming.length
  const over = () => void left--
  for (const each of coming) each.then(over, over)
  await settledWithin(deadline - performance.now(), Promise.allSettled(coming))
  if (left === 0) return true
  const calls = left === 1 ? 'call is' : 'calls are'
  throw new FlushError(
    `flush() gave up after ${timeoutMs} ms: the usage of ${left} ${calls} still coming, from ` +
      'streams that were left before their end',
    { pending: {} },
  )
}
