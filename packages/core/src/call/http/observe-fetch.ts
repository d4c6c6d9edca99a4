import { takesBodiesInside } from '../../lib/runtime.ts'
import { httpHeaders } from '../../wire/http-headers.ts'
import type { RequestRewrite } from '../../wire/protocol.ts'
import { AnswerScope } from '../answer-scope.ts'
import { GatewayBillingWatch } from '../gateway-billing.ts'
import { followAnswer } from '../registry.ts'
import type { ObservedCall } from '../observed-call.ts'
import { guarded } from '../provider.ts'
import { untilAdmitted } from '../refusals.ts'
import { asMetered, isPaidAround } from '../unmetered-watch.ts'
import { FetchRequest, type Sendable } from './fetch-request.ts'
import { observeResponse } from './observe-response.ts'
import { refusalResponse } from './refusal-response.ts'
import { type FetchObservation, type Opened, Recognition } from './recognition.ts'

type Fetch = typeof fetch

/**
 * A `fetch` whose requests are metered, for whatever takes one. Each attempt that its caller makes is a
 * call of its own, and only what was answered with success is billed. The response is the one that
 * came, read as its reader pulls; where a stream was asked for its usage by the meter, it has every
 * byte of the server's but those of the usage. What no protocol knows goes through untouched.
 */
export function observeFetch(given: Fetch, observation: FetchObservation): Fetch {
  const { observer } = observation
  const marked =
    (by: Fetch, isPaid: boolean): Fetch =>
    (...args) =>
      asMetered(() => by(...args), isPaid)
  const send = marked(given, false)
  const sendMetered = marked(observation.sendMetered ?? given, true)
  const recognition = new Recognition(observation)
  const billing = new GatewayBillingWatch(observer)
  const open = (request: FetchRequest) => guarded(observer, () => recognition.open(request))

  const follow = async (request: FetchRequest, opened: Opened | undefined): Promise<Response> => {
    if (opened === undefined) return request.send(send)
    guarded(observer, () => billing.see({ baseURL: request.url }, request.givenHeaders))
    const call = guarded(observer, () => begin(opened, request.method))
    if (call === undefined) return request.send(send)
    const scope = observation.anywhere === true ? AnswerScope.current() : undefined
    call.holder = scope
    call.mayBeInside = observation.anywhere === true
    if (call.admission !== undefined) {
      try {
        await untilAdmitted(call, request.signal)
      } catch (refusal) {
        if (observation.onRefused === 'respond') return refusalResponse(refusal)
        throw refusal
      }
      // Nothing is sent after it was aborted.
      if (request.signal?.aborted === true) throw request.signal.reason
    }
    const isAborted = request.signal?.aborted === true
    try {
      const response = await sendRewritten(sendMetered, request, opened.operation.rewrite)
      scope?.offer(call, httpHeaders(response.headers))
      return guarded(observer, () => answered(response, call, opened)) ?? response
    } catch (error) {
      if (isAborted) call.dismiss()
      else call.failed(error)
      throw error
    }
  }
  const watch = async (sent: Promise<Response>, call: ObservedCall): Promise<Response> => {
    const response = await sent
    return guarded(observer, () => watchJson(response, call)) ?? response
  }

  return (...args) => {
    const request = guarded(observer, () => new FetchRequest(args))
    if (request === undefined) return send(...args)
    const opened = open(request)
    if (opened === undefined) {
      const call = guarded(observer, () => recognition.unknown(request))
      return call === undefined ? send(...args) : watch(send(...args), call)
    }
    if (opened === 'unmetered') return send(...args)
    if (!request.isUnread) return follow(request, opened)
    return request.read().then(() => {
      const seen = open(request)
      return follow(request, seen === 'unmetered' ? undefined : seen)
    })
  }
}

/** @throws MissingCustomerError where the meter refuses calls that nobody pays for. */
function begin({ operation, context, needsProof, isBlind }: Opened, method: string): ObservedCall {
  const isUncertain = needsProof === 'usage' || (needsProof && isBlind)
  const isFreeHere = needsProof !== false && operation.free === true
  const isNeverRefused = isUncertain || isFreeHere || isPaidAround()
  const unheld = { ...operation, free: true as const, startsJob: undefined }
  const begun = isNeverRefused ? unheld : operation
  const call = context.begin(begun, method.toUpperCase())
  call.needsProof = needsProof
  return call
}

/** Follows an answer. What a retry or an error says is none, and is not billed. */
function answered(response: Response, call: ObservedCall, opened: Opened): Response {
  const type = response.headers.get('content-type') ?? ''
  const isAnswer = response.ok && !withoutBody.has(response.status)
  if (!isAnswer || (call.needsProof && isOtherMedia(type, opened))) {
    call.dismiss()
    return response
  }
  if (call.needsProof !== 'usage' && isProof(type, opened)) call.needsProof = false
  const observed = observeResponse(response, call)
  return call.mayBeInside && takesBodiesInside() ? handedOn(observed, call) : observed
}

/** The same response for a handler to answer with: its body is inside, and is the observed one. */
function handedOn(response: Response, call: ObservedCall): Response {
  const { body, status, statusText, url, redirected, type } = response
  if (body === null) return response
  const headers = new Headers(response.headers)
  // Of the body as the server sent it.
  if (call.rewrite?.hidesUsage() === true) headers.delete('content-length')
  const own = new Response(body, { status, statusText, headers })
  for (const [name, value] of Object.entries({ url, redirected, type })) {
    Object.defineProperty(own, name, { value, configurable: true })
  }
  // Whoever meters around this one finds who did before.
  followAnswer(own, call)
  return own
}

const withoutBody: ReadonlySet<number> = new Set([204, 205])

/** By its type alone an answer is what a model makes. */
function isProof(type: string, { isBlind }: Opened): boolean {
  return isMedia(type) || (!isBlind && isEventStream(type))
}

/** What is neither the audio that was asked for nor a stream of events with it. */
function isOtherMedia(type: string, { operation }: Opened): boolean {
  return operation.endpoint.content === 'binary' && !isMedia(type) && !isEventStream(type)
}

const isMedia = (type: string) => /^(?:audio|video|image)\//.test(type)
const isEventStream = (type: string) => type.includes('text/event-stream')

/** What nobody knows may be a file of any size: of it, only JSON is looked at. */
function watchJson(response: Response, call: ObservedCall): Response {
  const headers = httpHeaders(response.headers)
  const isJson = headers?.get('content-type')?.includes('application/json') === true
  return response.ok && isJson ? observeResponse(response, call) : response
}

/** Sends a request as its rewrite wants it, and again as it came where a server refuses that. */
async function sendRewritten(
  send: Fetch,
  request: FetchRequest,
  rewrite: RequestRewrite | undefined,
): Promise<Response> {
  const body = rewrite && rewritten(rewrite, request.body)
  if (rewrite === undefined || body === undefined) return request.send(send)
  const response = await request.send(send, body)
  if (!mayRefuse.has(response.status)) return response
  const said = await shortText(response)
  if (!rewrite.isRefusal(response.status, said)) return response
  const again = await request.send(send)
  // Perhaps it was the caller's own options that were refused: then it fails again, as it must.
  if (again.ok) rewrite.refused()
  return again
}

/** Statuses of a request that its server does not understand. Of others the body is not waited for. */
const mayRefuse: ReadonlySet<number> = new Set([400, 422])

/** How long the words of an error are waited for, in ms: they come with it, or it is none of a rewrite. */
const mostWaitedMs = 1000

/** What an error says, which its caller still reads. Never rejects. */
async function shortText(response: Response): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, mostWaitedMs, '')
    })
    return await Promise.race([response.clone().text(), late])
  } catch {
    return ''
  } finally {
    clearTimeout(timer)
  }
}

function rewritten(rewrite: RequestRewrite, body: unknown): Sendable | undefined {
  if (typeof body === 'string') return rewrite.apply(body)
  return body instanceof Uint8Array ? rewrite.apply(body) : undefined
}
