import {
  type BodyObserver,
  handleRejection,
  settledWithin,
  type StreamObservation,
  valueBefore,
  whenDropped,
} from '@token-meter/core/adapter'
import { httpHeaders } from '@token-meter/core/adapter'
import type { ApiResponse } from './google-client.ts'

/**
 * The three shapes in which the SDK's API client returns a response, each observed in place, so that
 * the SDK gets the very object: one with `json()`, a generator of such, and one whose body is
 * downloaded.
 */

/** What to do with the body of a response, however it comes. */
export interface JsonObserver {
  /** The parsed body. What this returns is waited for before the caller gets it. */
  seen(json: unknown): Promise<unknown> | undefined
  /** The body cannot be read or parsed. */
  broken(): void
}

/** Lets an observer see what a response's `json` returns, in place: it stays the same object. */
export function observeJson(response: ApiResponse, observer: JsonObserver): ApiResponse {
  jsonObserver(observer)(response)
  return response
}

/** The same for many responses of one kind, without a function for each of them. */
export function jsonObserver(observer: JsonObserver): (response: ApiResponse) => void {
  const seen = (value: unknown): unknown => {
    const stored = observer.seen(value)
    return stored === undefined ? value : stored.then(() => value)
  }
  const broken = (error: unknown): never => {
    observer.broken()
    throw error
  }
  let known: ApiResponse['json'] | undefined
  let observed: ApiResponse['json'] | undefined
  return (response) => {
    const { json } = response
    if (observed === undefined || json !== known) {
      known = json
      observed = function (this: ApiResponse) {
        return json.call(this).then(seen, broken)
      }
    }
    // An assignment, which costs a fraction of defining a hidden property: nobody sees these objects.
    response.json = observed
  }
}

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
 * reader only). So what is left is read on in the background, until it ends or the time is up, to
 * know what it cost. No timer of ours keeps the process alive for that; a flush
 * or close waits for it.
 *
 * @param abort closes the connection, where a guard may stop the stream.
 */
export function observeChunks(
  chunks: Chunks,
  observation: StreamObservation,
  abortSignal: AbortSignal | undefined,
  abort?: AbortController,
): Chunks {
  const next = chunks.next.bind(chunks)
  const close = chunks.return.bind(chunks)
  let isLeft = false
  let isToldStop = false
  if (abort !== undefined) {
    observation.whenStopped(chunks, () => {
      abort.abort()
      handleRejection(close(undefined))
    })
  }

  // The API's own refusal has a status; any other failure cut off an answer that was being made.
  const failed = (error: unknown): void => {
    const isRefused = typeof (error as { status?: unknown } | undefined)?.status === 'number'
    observation.end(isRefused && abortSignal?.aborted !== true ? 'failed' : 'interrupted')
  }
  const observe = jsonObserver({
    seen: (json) => void observation.push(json),
    broken: () => failed(undefined),
  })
  const seen = (result: Result): Result | Promise<Result> => {
    if (result.done === true) {
      if (observation.stopped !== undefined) return stopped()
      observation.end('complete')
      return afterStored(result)
    }
    observation.call.headers ??= httpHeaders(result.value.headers)
    try {
      observe(result.value)
    } catch {
      // Somebody else's stream, of something else: the caller gets it as it is.
    }
    return result
  }
  const thrown = async (error: unknown): Promise<never> => {
    if (observation.stopped !== undefined) return stopped()
    failed(error)
    await observation.call.stored
    throw error
  }
  /** The guard has stopped it, which the caller is told once: then it is over. */
  async function stopped(): Promise<never> {
    isToldStop = true
    await observation.call.stored
    throw observation.stopped?.reason
  }
  const over = (value?: unknown): Promise<Result> => Promise.resolve({ done: true, value })
  function afterStored<Value>(value: Value): Value | Promise<Value> {
    const { stored } = observation.call
    return stored === undefined ? value : stored.then(() => value)
  }

  define(chunks, 'next', () => {
    if (isLeft || isToldStop) return over()
    return observation.stopped === undefined ? next().then(seen, thrown) : stopped()
  })
  define(chunks, 'return', (value: unknown) => {
    if (isLeft) return over(value)
    if (observation.call.settled || abortSignal?.aborted === true) {
      observation.end('interrupted')
      return close(value)
    }
    isLeft = true
    // What is read on for is billed anyway.
    observation.neverStop()
    const isComplete = observation.finished
    const drained = drain()
    observation.call.trackPending(drained)
    const left: Result = { done: true, value }
    return !isComplete
      ? Promise.resolve(left)
      : settledWithin(breakGraceMs, drained).then(() => afterStored(left))
  })
  whenDropped(chunks, observation)
  return chunks

  /** Reads what the caller left, and then closes it as the caller would have. Never rejects. */
  async function drain(): Promise<void> {
    const deadline = performance.now() + drainMs
    try {
      for (;;) {
        const result = await valueBefore(deadline, next, { keepsAlive: false })
        if (result === undefined) break
        if (result.value.done === true) return observation.end('complete')
        observation.push(await result.value.value.json())
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

/**
 * Lets an observer see the body of a response as it is downloaded, at the caller's pace. The bytes
 * pass unchanged.
 *
 * @param stored what the end of the download waits for.
 */
export function observeDownload(
  response: ApiResponse,
  observer: BodyObserver,
  stored: () => Promise<unknown> | undefined,
): void {
  const { responseInternal } = response
  const body = responseInternal?.body
  if (responseInternal === undefined || body === null || body === undefined) return
  const watched = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        observer.push(bytes)
        controller.enqueue(bytes)
      },
      async flush() {
        observer.finish()
        await stored()
      },
    }),
  )
  Object.defineProperty(responseInternal, 'body', { value: watched, configurable: true })
}
