import {
  AnswerScope,
  isPromise,
  markObserved,
  observeBody,
  type ObservedCall,
  PartsObservation,
  StreamObservation,
  takeAnswer,
  untilAdmitted,
} from '@token-meter/core/adapter'
import type { AnswerParts } from '@token-meter/core/wire'
import { httpHeaders } from '@token-meter/core/adapter'
import type { ApiRequest, ApiResponse } from './google-client.ts'
import type { Observation, Opened } from './google-observation.ts'
import { observeChunks, observeDownload, observeJson } from './observe-response.ts'

/**
 * One HTTP request of `apiClient.request`: each is a call of its own, also inside a loop of the SDK.
 *
 * @param isReplaced an application's function sends it, which may call through to an observed one.
 */
export function observeRequest(
  observation: Observation,
  request: ApiRequest,
  send: () => Promise<ApiResponse>,
  isReplaced: boolean,
): Promise<ApiResponse> {
  let observed: ResponseObserver | undefined
  try {
    const opened = observation.open(wireRequest(request))
    observed = opened && responseObserver(observation, opened)
  } catch (refusal) {
    return Promise.reject(refusal as Error)
  }
  if (observed === undefined) return send()
  const { call, observe } = observed
  const sent = sendAdmitted(call, request, send)
  if (!isPromise(sent)) return sent
  return sent.then(
    (response) => {
      observation.guarded(() => takeFromInside(response))
      if (isReplaced && !markObserved(response)) {
        call?.dismiss()
        return response
      }
      return observation.guarded(() => observe(response)) ?? response
    },
    (error: unknown) => {
      call?.failed(error)
      throw error
    },
  )
}

/** Sends a request, as soon as it may be. */
function sendAdmitted<Answer>(
  call: ObservedCall | undefined,
  { abortSignal }: ApiRequest,
  send: () => Promise<Answer>,
): Promise<Answer> {
  if (call?.admission === undefined) return send()
  return untilAdmitted(call, abortSignal).then(() => {
    // SDK 1 sends what was aborted before.
    abortSignal?.throwIfAborted()
    return send()
  })
}

/** Of a metered `fetch`, which the SDK was given to send by: it has the same answer. */
function takeFromInside({ responseInternal }: ApiResponse): void {
  if (responseInternal !== undefined) takeAnswer(responseInternal, { dismiss: () => {} })
}

type Chunks = AsyncGenerator<ApiResponse>

/**
 * One HTTP request of `apiClient.requestStream`.
 *
 * @param send sends the request, or the given one in its place.
 * @param isReplaced an application's function sends it, which may call through to an observed one.
 */
export function observeStreamRequest(
  observation: Observation,
  request: ApiRequest,
  send: (own?: ApiRequest) => Promise<Chunks>,
  isReplaced: boolean,
): Promise<Chunks> {
  const opened = observation.open(wireRequest(request))
  if (opened?.operation.endpoint.openStream === undefined) return send()
  let begun: ObservedCall | undefined
  try {
    begun = observation.begin(opened)
  } catch (refusal) {
    return Promise.reject(refusal as Error)
  }
  if (begun === undefined) return send()
  const call = begun
  let abort: AbortController | undefined
  const sendOwn = (): Promise<Chunks> => {
    if (call.progress === undefined) return send()
    // The SDK closes no connection but by a signal.
    abort = followingSignal(request.abortSignal)
    return send({ ...request, abortSignal: abort.signal })
  }
  // The chunks do not show the raw response that a metered `fetch` sees inside.
  const inside = AnswerScope.open()
  const sent = sendAdmitted(call, request, () =>
    inside === undefined ? sendOwn() : inside.run(sendOwn),
  )
  if (!isPromise(sent)) return sent
  const over = () => inside?.close()
  if (inside !== undefined)
    sent.then(() => inside.takeEndpoint(call.endpoint.name)).then(over, over)
  return sent.then(
    (chunks) => {
      if (isReplaced && !markObserved(chunks)) {
        call.dismiss()
        return chunks
      }
      const observed = observation.guarded(() => {
        const stream = StreamObservation.open(call)
        return stream && observeChunks(chunks, stream, request.abortSignal, abort)
      })
      return observed ?? chunks
    },
    (error: unknown) => {
      call.failed(error)
      throw error
    },
  )
}

/** Aborts when the given signal does, and by itself. */
function followingSignal(signal: AbortSignal | undefined): AbortController {
  const own = new AbortController()
  const abort = (): void => own.abort(signal?.reason)
  if (signal?.aborted === true) abort()
  signal?.addEventListener('abort', abort, { once: true, signal: own.signal })
  return own
}

function wireRequest({ httpMethod, path, body }: ApiRequest) {
  return { method: httpMethod, url: path, body }
}

interface ResponseObserver {
  /** Begun before it is sent; `undefined` where it may turn out that nothing is to be paid. */
  readonly call: ObservedCall | undefined
  observe(response: ApiResponse): ApiResponse
}

/** How the response of a request is observed that is sent now. */
function responseObserver(observation: Observation, opened: Opened): ResponseObserver | undefined {
  const { endpoint, free, parts } = opened.operation
  // Who pays for what is asked for again is looked for where there is something to pay.
  if (parts !== undefined && free === true) {
    const observe = (response: ApiResponse) =>
      endpoint.content === 'lines'
        ? observeFile(response, observation.begin(opened))
        : observeJobs(response, observation, opened, parts)
    return { call: undefined, observe }
  }
  const call = observation.begin(opened)
  if (call === undefined) return undefined
  const observe = (response: ApiResponse) => {
    call.headers = httpHeaders(response.headers)
    return observeJson(response, {
      seen: (json) => {
        call.respond(json)
        return call.stored
      },
      broken: () => call.abandon(),
    })
  }
  return { call, observe }
}

function observeJobs(
  response: ApiResponse,
  observation: Observation,
  { operation, context, method }: Opened,
  parts: AnswerParts<ObservedCall>,
): ApiResponse {
  let asked: ObservedCall | undefined
  const jobs = new PartsObservation(
    context,
    parts,
    () => (asked ??= context.begin(operation, method)),
  )
  return observeJson(response, {
    seen: (json) => {
      observation.guarded(() => jobs.see(json))
      return jobs.stored
    },
    broken: () => {},
  })
}

function observeFile(response: ApiResponse, call: ObservedCall | undefined): ApiResponse {
  if (call !== undefined) observeDownload(response, observeBody(call, ''), () => call.stored)
  return response
}
