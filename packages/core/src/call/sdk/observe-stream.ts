import { observeIterator, type StreamRequest } from './observe-iterator.ts'
import { bypassObservation } from '../http/observe-response.ts'
import type { StreamObservation } from '../stream-observation.ts'
import { whenDropped } from '../registry.ts'

/** The stream objects of the OpenAI and Anthropic SDKs, as far as they matter here. */
interface SdkStream extends AsyncIterable<unknown> {
  iterator: () => AsyncIterator<unknown>
  controller?: AbortController
}

/** True for what an SDK answers to a streaming call. */
export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/**
 * Observes a stream in place: the same object, with its `tee`, `toReadableStream`, `controller`
 * and class. The SDK streams make every kind of iteration from `iterator`; other async iterables
 * (a wrapper inside ours) from `Symbol.asyncIterator`.
 *
 * @param request the stream's own, where its `controller` is not what aborts it. It must not hold the
 * stream.
 */
export function observeStream<Stream extends AsyncIterable<unknown>>(
  stream: Stream,
  observation: StreamObservation,
  request?: StreamRequest,
): Stream {
  const sdkStream = stream as unknown as SdkStream
  const source = typeof sdkStream.iterator === 'function' ? 'iterator' : Symbol.asyncIterator
  const open = sdkStream[source]
  // It holds the stream, which must not count as dropped while only its iterator is in use.
  const ofController: StreamRequest = {
    wasAborted: () => sdkStream.controller?.signal.aborted === true,
    abort: () => sdkStream.controller?.abort(),
  }
  // Of several iterators the one that is read first is observed: others can be made and never used.
  // What the SDK answers a second reading with, an error of its own, is not the stream's end.
  let isRead = false
  const claim = (): boolean => {
    if (isRead) return false
    isRead = true
    return true
  }
  function observedIterator(): AsyncIterator<unknown> {
    const iterator = open.call(stream)
    if (isRead || observation.bodyTaken) return iterator
    if (observation.sharesBody) {
      const next = iterator.next.bind(iterator)
      iterator.next = () => bypassObservation(next)
    }
    return observeIterator(iterator, observation, request ?? ofController, claim)
  }
  // Where the stream has it from its class, its own one must not show among its properties.
  const isHidden = !Object.hasOwn(stream, source)
  Object.defineProperty(stream, source, {
    value: observedIterator,
    ...(isHidden && { configurable: true, writable: true }),
  })
  whenDropped(stream, observation)
  return stream
}
