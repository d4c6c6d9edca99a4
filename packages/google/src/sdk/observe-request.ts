import {
  isPromise,
  JobMemory,
  markObserved,
  type ObservedCall,
  StreamObservation,
} from '@token-meter/core/adapter'
import { httpHeaders, jsonObject, text } from '@token-meter/core/wire'
import { batches, batchLine, batchModel, batchOutput } from '../wire/batches.ts'
import { generateContent } from '../wire/content.ts'
import { embedContent } from '../wire/embed.ts'
import { predictions } from '../wire/images.ts'
import { requestBody } from '../wire/request-body.ts'
import { modelName, routeOf } from '../wire/routes.ts'
import { videos } from '../wire/videos.ts'
import type { ApiRequest, ApiResponse } from './google-client.ts'
import type { Observation } from './google-observation.ts'
import { observeChunks, observeJson, observeLines } from './observe-response.ts'

// Of the process: what one metered client started may be asked for through another.
const videoJobs = new JobMemory()
const batchJobs = new JobMemory()
const batchFiles = new JobMemory()

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
    observe = observation.guarded(() => responseObserver(observation, request))
  } catch (refusal) {
    return Promise.reject(refusal as Error)
  }
  const sent = send()
  if (observe === undefined || !isPromise(sent)) return sent
  return sent.then((response) => {
    if (isReplaced && !markObserved(response)) return response
    return observation.guarded(() => observe(response)) ?? response
  })
}

function responseObserver(
  observation: Observation,
  request: ApiRequest,
): ((response: ApiResponse) => ApiResponse) | undefined {
  const route = routeOf(request.httpMethod, request.path)
  if (route === undefined) return undefined
  switch (route.kind) {
    case 'unmetered':
      observation.reportUnmetered(route.what)
      return undefined
    case 'video-again':
      return (response) => onJson(response, (json) => videoSeen(observation, json))
    case 'batch-again':
      return (response) => onJson(response, (json) => batchesSeen(observation, json))
    case 'file':
      return (response) => fileSeen(observation, route.name, response)
  }
  const body = requestBody(request.body, route.model)
  if (route.kind === 'video' || route.kind === 'batch') {
    const call = observation.begin(route.kind === 'video' ? videos : batches, body)
    return (response) =>
      onJson(response, (json) => void (call && jobCreated(observation, call, json)))
  }
  const endpoint =
    route.kind === 'generateContent'
      ? generateContent
      : route.kind === 'embedContent'
        ? embedContent
        : predictions(body)
  const call = observation.begin(endpoint, body)
  return (response) => {
    if (call === undefined) return response
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

function onJson(
  response: ApiResponse,
  seen: (json: unknown) => Promise<unknown> | undefined,
): ApiResponse {
  return observeJson(response, { seen, broken: () => {} })
}

/** The call is kept to be billed later, without its conversation. */
function jobCreated(observation: Observation, call: ObservedCall, job: unknown): void {
  observation.guarded(() => {
    const name = text(jsonObject(job).name)
    if (name === undefined) return
    const { model, parameters = {} } = call.call.body
    const body = call.endpoint === videos ? { model, parameters } : { model }
    const kept = call.again({ ...call.call, body }, call.endpoint)
    if (call.endpoint === videos) videoJobs.created(name, kept)
    else batchJobs.created(name, kept)
  })
}

function videoSeen(observation: Observation, operation: unknown): Promise<void> | undefined {
  return observation.guarded(() => {
    const { name: found, done } = jsonObject(operation)
    const name = text(found)
    if (name === undefined || done !== true || videoJobs.isBilled(name)) return undefined
    const model = modelName(name.replace(/\/operations\/.*/, ''))
    const call =
      videoJobs.creatorOf(name) ??
      observation.begin(videos, { model }, { method: 'GET', free: true })
    videoJobs.settle(name)
    call?.respond(operation)
    return call?.stored
  })
}

/** A batch, or a page of batches. */
function batchesSeen(observation: Observation, answer: unknown): Promise<unknown> | undefined {
  return observation.guarded(() => {
    const { operations } = jsonObject(answer)
    const jobs = Array.isArray(operations) ? (operations as unknown[]) : [answer]
    const stored = jobs
      .map((job) => batchSeen(observation, job))
      .filter((each) => each !== undefined)
    return stored.length === 0 ? undefined : Promise.all(stored)
  })
}

function batchSeen(observation: Observation, job: unknown): Promise<void> | undefined {
  const name = text(jsonObject(job).name)
  const { responses, file } = batchOutput(job)
  if (name === undefined || (responses.length === 0 && file === undefined)) return undefined
  if (batchJobs.isBilled(name)) return undefined
  const model = modelName(batchModel(job) ?? '')
  const call =
    batchJobs.creatorOf(name) ??
    observation.begin(batches, { model }, { method: 'GET', free: true })
  if (call === undefined) return undefined
  const named = call.again(
    { ...call.call, body: { model: model || call.call.body.model } },
    batches,
  )
  batchJobs.settle(name)
  if (file !== undefined) batchFiles.created(file, named)
  else named.respond(job)
  return named.stored
}

/** Google names the outputs of batches `files/batch-...`; of one that was seen the payer is known. */
function fileSeen(observation: Observation, name: string, response: ApiResponse): ApiResponse {
  if (batchFiles.isBilled(name)) return response
  const creator = batchFiles.creatorOf(name)
  if (creator === undefined && !name.startsWith('files/batch-')) return response
  const call = creator ?? observation.begin(batches, {}, { method: 'GET', free: true })
  if (call === undefined) return response
  const stored: Promise<void>[] = []
  return observeLines(response, {
    line: (json, index) => {
      const line = call.again(call.call, batchLine(name, index))
      line.respond(json)
      if (line.stored !== undefined) stored.push(line.stored)
    },
    stored: () => {
      batchFiles.settle(name)
      return stored.length === 0 ? undefined : Promise.all(stored)
    },
  })
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
