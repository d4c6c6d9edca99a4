import { isOpaque, observeBody } from '../http/body-observer.ts'
import { markObserved, takeAnswer, whenDropped } from '../registry.ts'
import { isThirdPartyPromise, observeThirdParty } from './observe-third-party.ts'
import type { ObservedCall } from '../observed-call.ts'
import {
  type ResponseObserver,
  type ResponseProps,
  isSdkPromise,
  observePromise,
} from './observe-promise.ts'
import { observeResponse } from '../http/observe-response.ts'
import { httpHeaders } from '../../wire/http-headers.ts'
import { ResponseCopy } from '../http/response-copies.ts'
import { isStream, observeStream } from './observe-stream.ts'
import { StreamObservation } from '../stream-observation.ts'

/** The call that a request turned out to be: known once its options are, `undefined` if not metered. */
export type CurrentCall = () => ObservedCall | undefined

/**
 * Observes whatever a client's method answered: the SDK's promise, or, from a wrapper or a mock
 * that stands in for the SDK, any promise. Answers what the caller gets.
 */
export function observeCall(answer: unknown, current: CurrentCall): unknown {
  if (isSdkPromise(answer)) return observePromise(answer, new CallObservation(current))
  if (isThirdPartyPromise(answer)) {
    return observeThirdParty(answer, (data) =>
      guarded(data, current(), (value, call) => observeData(value, call)),
    )
  }
  return answer
}

/** Observes the response of one call, whichever way the caller asks for it. */
class CallObservation implements ResponseObserver {
  readonly #current: CurrentCall
  #stream: StreamObservation | undefined

  constructor(current: CurrentCall) {
    this.#current = current
  }

  onAnswer(response: Response | undefined): void {
    const call = this.#current()
    if (call === undefined || response === undefined) return
    takeAnswer(response, call)
    call.headers = httpHeaders(response.headers)
  }

  onData(data: unknown): unknown {
    return guarded(data, this.#current(), this.#observeData)
  }

  readonly #observeData = (data: unknown, call: ObservedCall): unknown =>
    observeData(data, call, (stream) => (this.#stream = stream))

  onBoth(response: Response): void {
    if (this.#stream !== undefined) guarded(response, this.#current(), shareWith(this.#stream))
  }

  onResponse(response: Response): Response {
    return guarded(response, this.#current(), observeResponse)
  }

  onUnclaimed(props: ResponseProps): void {
    guarded(props, this.#current(), observeUnclaimed)
  }

  onBroken(): void {
    this.#current()?.abandon()
  }

  onFailed(error: unknown): void {
    const call = this.#current()
    if (isOfRequest(error)) call?.failed(error)
    else call?.dismiss()
  }

  stored(): Promise<void> | undefined {
    return this.#current()?.stored
  }
}

/** An error of a request, answered or not; any other of the SDK is thrown before it sends anything. */
function isOfRequest(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && 'headers' in error
}

/** Observes what the caller gets; where that fails, the caller gets it all the same. */
function guarded<Value>(
  value: Value,
  call: ObservedCall | undefined,
  observe: (value: Value, call: ObservedCall) => Value,
): Value {
  if (call === undefined || call.settled) return value
  try {
    return observe(value, call)
  } catch (cause) {
    call.fault('a response could not be observed', cause)
    return value
  }
}

function observeData(
  data: unknown,
  call: ObservedCall,
  opened?: (observation: StreamObservation) => void,
): unknown {
  if (isStream(data)) {
    const observation = StreamObservation.open(call)
    if (observation === undefined || !markObserved(data)) {
      call.dismiss()
      return data
    }
    opened?.(observation)
    return observeStream(data, observation)
  }
  if (isResponse(data)) return observeResponse(data, call)
  if (markObserved(data)) call.respond(data)
  else call.dismiss()
  return data
}

/** A stream and its raw response are two ways to one body: whichever is read first is observed. */
const shareWith = (stream: StreamObservation) => (response: Response, call: ObservedCall) => {
  stream.shareBody(response)
  return observeResponse(
    response,
    call,
    ResponseCopy.first(call, () => stream.end('interrupted')),
  )
}

/** Some SDKs return responses of node-fetch, so `instanceof Response` would not do. */
function isResponse(data: unknown): data is Response {
  const response = data as Partial<Response> | null | undefined
  return typeof response?.arrayBuffer === 'function' && response.headers !== undefined
}

/**
 * Nobody has asked for the body yet, and perhaps nobody will. A whole body is read through a
 * clone, which leaves the caller's own untouched should it be asked for later; a stream is not,
 * because a clone would buffer it and keep it running.
 */
function observeUnclaimed(props: ResponseProps, call: ObservedCall): ResponseProps {
  // A second observer of one request, where the application replaced a method of the client.
  if (!markObserved(props.response)) {
    call.dismiss()
    return props
  }
  const contentType = props.response.headers.get('content-type') ?? ''
  if (isOpaque(call, contentType)) {
    call.respond(undefined)
    return props
  }
  // Where a whole body is binary, events carry large files too.
  if (props.options?.stream === true || call.endpoint.content === 'binary') {
    whenDropped(props.response, call)
    return props
  }
  void props.response
    .clone()
    .arrayBuffer()
    .then((read) => {
      if (call.settled) return
      const body = observeBody(call, contentType)
      body.push(new Uint8Array(read))
      body.finish()
    })
    .catch(() => call.abandon())
  return props
}
