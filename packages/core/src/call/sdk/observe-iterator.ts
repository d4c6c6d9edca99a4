import type { StreamObservation } from '../stream-observation.ts'
import { handleRejection } from '../../lib/promises.ts'
import { valueBefore } from '../../lib/timing.ts'

/** How long a stream that was left at its last word is read on for the usage, in ms. */
const readOnMs = 1000
/** How long the caller's `break` waits for that, in ms: the usage is usually here already. */
const breakGraceMs = 50

type Result = IteratorResult<unknown, unknown>

/** The stream's own request: an aborted SDK stream ends without a throw. */
export interface StreamRequest {
  wasAborted(): boolean
  abort(): void
}

/**
 * Lets an observation see what the caller pulls from an SDK's iterator, which is changed in place
 * and stays the same object. Nothing is read ahead, nothing is kept, and an error is the caller's
 * own. `next` is patched rather than wrapped in a generator, which costs four times as much a chunk.
 *
 * @param claim asked when the iterator is first used: false where it is another one that is observed.
 */
export function observeIterator<Source extends AsyncIterator<unknown>>(
  source: Source,
  observation: StreamObservation,
  request: StreamRequest,
  claim: () => boolean = () => true,
): Source {
  const pull = source.next.bind(source)
  const close = source.return?.bind(source)
  const fail = source.throw?.bind(source)
  // Pulls under way, and behind them. No promise of them is kept, which every event would pay for.
  let waiting = 0
  const starts: (() => void)[] = []
  let isObserved: boolean | undefined
  let isToldStop = false
  if (observation.canBeStopped) {
    observation.whenStopped(source, () => {
      request.abort()
      handleRejection(close?.())
    })
  }

  const over = (): void => {
    waiting--
    if (waiting > 0) starts.shift()?.()
  }
  const onResult = (result: Result): Result | Promise<Result> => {
    if (observation.stopped !== undefined && result.done === true) return failed()
    if (result.done === true) {
      over()
      observation.end(request.wasAborted() ? 'interrupted' : 'complete')
      return afterStored(result)
    }
    const event = observation.push(result.value)
    // A hidden event makes room for the one behind it.
    if (event === undefined && result.value !== undefined) return observedPull()
    over()
    return event === result.value ? result : { value: event, done: false }
  }
  const onError = (error: unknown): never | Promise<never> => {
    if (observation.stopped !== undefined) return failed()
    over()
    observation.end('failed', error)
    return thrownAfterStored(error)
  }
  /** The guard has stopped it, which the caller is told once: then it is over. */
  function failed(): Promise<never> {
    over()
    const reason = observation.stopped?.reason
    isToldStop = true
    return thrownAfterStored(reason)
  }
  async function thrownAfterStored(error: unknown): Promise<never> {
    await observation.call.stored
    throw error
  }
  const observedPull = (): Promise<Result> => {
    if (observation.stopped === undefined) return pull().then(onResult, onError)
    if (!isToldStop) return failed()
    over()
    return Promise.resolve({ done: true, value: undefined })
  }
  function afterStored(result: Result): Result | Promise<Result> {
    const { stored } = observation.call
    return stored === undefined ? result : stored.then(() => result)
  }

  // A generator answers overlapping `next` calls in order; hiding an event must not change that.
  source.next = () => {
    if (!(isObserved ??= claim())) return pull()
    if (waiting++ === 0) return observedPull()
    return new Promise<void>((resolve) => void starts.push(resolve)).then(observedPull)
  }
  if (close !== undefined) {
    source.return = (value) => {
      if (!(isObserved ??= claim())) return close(value)
      if (waiting === 0 && !request.wasAborted() && observation.awaitsUsage) {
        return leaveAfterUsage(value)
      }
      const closing = close(value)
      observation.end('interrupted')
      const { stored } = observation.call
      return stored === undefined ? closing : closing.then(afterStored)
    }
  }
  if (fail !== undefined) {
    source.throw = (error) => {
      if (!(isObserved ??= claim())) return fail(error)
      const failing = fail(error)
      observation.end('interrupted')
      return failing
    }
  }
  return source

  async function leaveAfterUsage(value: unknown): Promise<Result> {
    const leaving = readUsage().then(async (isIdle) => {
      // A pull that nothing comes for would hold up the closing behind it.
      if (!isIdle) request.abort()
      // The source is left before it is exhausted, so it aborts its request as on any break.
      const closed = await close?.(value)
      observation.end('interrupted')
      return closed ?? { done: true, value }
    })
    leaving.catch(() => {})
    observation.call.trackPending(leaving)
    const left = await valueBefore(performance.now() + breakGraceMs, () => leaving)
    return await afterStored(left?.value ?? { done: true, value })
  }

  /** Returns false when it gave up with a pull still under way. */
  async function readUsage(): Promise<boolean> {
    const deadline = performance.now() + readOnMs
    while (observation.awaitsUsage) {
      const pulled = pull().catch(() => 'broken' as const)
      const result = await valueBefore(deadline, () => pulled)
      if (result === undefined) return false
      if (result.value === 'broken' || result.value.done === true) return true
      observation.push(result.value.value)
    }
    return true
  }
}
