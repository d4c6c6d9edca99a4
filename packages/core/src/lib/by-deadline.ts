import type { Awaitable } from './awaitable.ts'
import { atMost } from './at-most.ts'

/**
 * What an outbox answers, or `undefined` when it has not by the deadline: an outbox that hangs must
 * not hold up who has a deadline.
 * @param deadline by `performance.now()`.
 * @throws what the outbox throws by then.
 */
export async function byDeadline<Value>(
  ask: () => Awaitable<Value>,
  deadline: number,
): Promise<{ readonly value: Value } | undefined> {
  const asked = (async () => ({ value: await ask() }))()
  let answer: { value: Value } | undefined
  let failure: { cause: unknown } | undefined
  const noted = asked.then(
    (value) => (answer = value),
    (cause: unknown) => (failure = { cause }),
  )
  await atMost(Math.max(0, deadline - performance.now()), noted)
  if (failure !== undefined) throw failure.cause
  return answer
}
