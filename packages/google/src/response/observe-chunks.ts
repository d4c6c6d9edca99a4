import { responseHeaders } from '@token-meter/core/wire'
import {
  settledWithin,
  type StreamObservation,
  valueBefore,
  whenDropped,
} from '@token-meter/core/adapter'
import type { ApiResponse } from '../google-client.ts'
import { jsonObserver } from './observe-json.ts'

/** How long a stream that was left is read on for its usage, in ms: as long as a model answers. */
const drainMs = 120_000
/** How long the caller's `break` waits when the answer was complete, in ms: the rest is here already. */
const breakGraceMs = 50

type Chunks = AsyncGenerator<ApiResponse>
type Result = IteratorResult<ApiResponse, unknown>

/**
 * Lets an observation see the chunks of one HTTP response. The generator is changed in place and
 * nothing is read ahead.
 *
 * The SDK does not cancel a request whose stream the caller leaves: Google generates, sends and
 * bills all of it (https://github.com/googleapis/js-genai/blob/main/src/_api_client.ts releases the
 * reader only). So what is left is read on behind the caller's back, until it ends or
 * the time is up, to know what it cost. No timer of ours keeps the process alive for that; a flush
 * or close waits for it.
 */
export function observeChunks(
  chunks: Chunks,
  observation: StreamObservation,
  abortSignal: AbortSignal | undefined,
): Chunks {
  const next = chunks.next.bind(chunks)
  const close = chunks.return.bind(chunks)
  let isLeft = false

  // The API's own refusal has a status; any other failure cut off an answer that was being made.
  const failed = (error: unknown): void => {
    const isRefused = typeof (error as { status?: unknown } | undefined)?.status === 'number'
    observation.end(isRefused && abortSignal?.aborted !== true ? 'failed' : 'interrupted')
  }
  const observe = jsonObserver({
    seen: (json) => void observation.see(json),
    broken: () => failed(undefined),
  })
  const seen = (result: Result): Result | Promise<Result> => {
    if (result.done === true) {
      observation.end('complete')
      return afterStored(result)
    }
    observation.call.headers ??= responseHeaders(result.value.headers)
    try {
      observe(result.value)
    } catch {
      // Somebody else's stream, of something else: the caller gets it as it is.
    }
    return result
  }
  const thrown = async (error: unknown): Promise<never> => {
    failed(error)
    await observation.call.stored
    throw error
  }
  function afterStored<Value>(value: Value): Value | Promise<Value> {
    const { stored } = observation.call
    return stored === undefined ? value : stored.then(() => value)
  }

  define(chunks, 'next', () =>
    isLeft ? Promise.resolve({ done: true, value: undefined }) : next().then(seen, thrown),
  )
  define(chunks, 'return', (value: unknown) => {
    if (isLeft) return Promise.resolve({ done: true, value })
    if (observation.call.settled || abortSignal?.aborted === true) {
      observation.end('interrupted')
      return close(value)
    }
    isLeft = true
    const isComplete = observation.finished
    const drained = drain()
    observation.call.expect(drained)
    const left: Result = { done: true, value }
    return !isComplete
      ? Promise.resolve(left)
      : settledWithin(breakGraceMs, drained).then(() => afterStored(left))
  })
  whenDropped(chunks, observation)
  return chunks

  /** Reads what the caller left, and then closes it as he would have. Never rejects. */
  async function drain(): Promise<void> {
    const deadline = performance.now() + drainMs
    try {
      for (;;) {
        const result = await valueBefore(deadline, next, { keepsAlive: false })
        if (result === undefined) break
        if (result.value.done === true) return observation.end('complete')
        observation.see(await result.value.value.json())
      }
      observation.end('interrupted')
      await close(undefined)
    } catch (error) {
      failed(error)
    }
  }
}

function define(chunks: Chunks, name: 'next' | 'return', value: unknown): void {
  Object.defineProperty(chunks, name, { value, configurable: true, writable: true })
}
