import {
  isPromise,
  markObserved,
  type ObservedCall,
  StreamObservation,
} from '@token-meter/core/adapter'
import { generateContent } from '../endpoint/generate-content.ts'
import type { ApiRequest, ApiResponse } from '../google-client.ts'
import type { Observation } from '../observation.ts'
import { observeChunks } from '../response/observe-chunks.ts'
import { requestBody } from './request-body.ts'
import { routeOf } from './routes.ts'

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
  const route = observation.guarded(() => routeOf(request.httpMethod, request.path))
  if (route?.kind !== 'generateContent') return send()
  let call: ObservedCall | undefined
  try {
    call = observation.begin(generateContent, requestBody(request.body, route.model))
  } catch (refusal) {
    return Promise.reject(refusal as Error)
  }
  const stream = call && StreamObservation.open(call)
  const sent = send()
  if (stream === undefined || !isPromise(sent)) return sent
  return sent.then((chunks) => {
    if (isReplaced && !markObserved(chunks)) return chunks
    return observation.guarded(() => observeChunks(chunks, stream, request.abortSignal)) ?? chunks
  })
}
