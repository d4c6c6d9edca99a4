import {
  AnswerScope,
  isPromise,
  markObserved,
  observeBody,
  type ObservedCall,
  PartsObservation,
  StreamObservation,
  takeAnswer,
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
  let observe: ((response: ApiResponse) => ApiResponse) | undefined
  try {
    const opened = observation.open(wireRequest(request))
    observe = opened && responseObserver(observation, opened)
  } catch (refusal) {
    return Promise.reject(refusal as Error)
  }
  const sent = send()
  if (observe === undefined || !isPromise(sent)) return sent
  return sent.then((response) => {
    observation.guarded(() => takeFromInside(response))
    if (isReplaced && !markObserved(response)) return response
    return observation.guarded(() => observe(response)) ?? response
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
 * @param isReplaced an application's function sends it, which may call through to an observed one.
 */
export function observeStreamRequest(
  observation: Observation,
  request: ApiRequest,
  send: () => Promise<Chunks>,
  isReplaced: boolean,
): Promise<Chunks> {
  const opened = observation.open(wireRequest(request))
  if (opened?.operation.endpoint.openStream === undefined) return send()
  let call: ObservedCall | undefined
  try {
    call = observation.begin(opened)
  } catch (refusal) {
    return Promise.reject(refusal as Error)
  }
  const stream = call && StreamObservation.open(call)
  if (stream === undefined) return send()
  // The chunks do not show the raw response that a metered `fetch` sees inside.
  const inside = AnswerScope.open()
  const sent = inside === undefined ? send() : inside.run(send)
  if (!isPromise(sent)) return sent
  const over = () => inside?.close()
  if (inside !== undefined)
    sent.then(() => inside.takeEndpoint(stream.call.endpoint.name)).then(over, over)
  return sent.then((chunks) => {
    if (isReplaced && !markObserved(chunks)) return chunks
    return observation.guarded(() => observeChunks(chunks, stream, request.abortSignal)) ?? chunks
  })
}

function wireRequest({ httpMethod, path, body }: ApiRequest) {
  return { method: httpMethod, url: path, body }
}

/** How the response of a request is observed that is sent now. */
function responseObserver(
  observation: Observation,
  opened: Opened,
): ((response: ApiResponse) => ApiResponse) | undefined {
  const { endpoint, free, parts } = opened.operation
  // Who pays for what is asked for again is looked for where there is something to pay.
  if (parts !== undefined && free === true) {
    return endpoint.content === 'lines'
      ? (response) => observeFile(response, observation.begin(opened))
      : (response) => observeJobs(response, observation, opened, parts)
  }
  const call = observation.begin(opened)
  if (call === undefined) return undefined
  return (response) => {
    call.headers = httpHeaders(response.headers)
    return observeJson(response, {
      seen: (json) => {
        call.respond(json)
        return call.stored
      },
      broken: () => call.abandon(),
    })
  }
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
