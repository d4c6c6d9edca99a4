import { providerName } from '../../usage/provider-name.ts'
import { type HttpHeaders, requestHeaders } from '../../wire/http-headers.ts'
import type {
  RequestRewrite,
  WireOperation,
  WireProtocol,
  WireRequest,
} from '../../wire/protocol.ts'
import { GatewayBillingWatch } from '../gateway-billing.ts'
import { type CallObserver, guarded } from '../provider.ts'
import type { ObservedCall } from '../observed-call.ts'
import { RequestContext } from '../operation.ts'
import { observeResponse } from './observe-response.ts'

type Fetch = typeof fetch

/** What a `fetch` is observed with. */
export interface FetchObservation {
  readonly observer: CallObserver
  /** Who serves its requests. @default who their host says */
  readonly provider?: string | undefined
  /** Whether streams are asked for their usage. @default where the host is known to take it */
  readonly includeUsage?: boolean | undefined
  /** What its requests may be of: the first that knows a request meters it. */
  readonly protocols: readonly WireProtocol[]
}

/**
 * A `fetch` whose requests are metered, for whatever takes one. Each attempt that its caller makes is a
 * call of its own, and only what was answered with success is billed. The response is the one that
 * came, read as its reader pulls; where a stream was asked for its usage by the meter, it has every
 * byte of the server's but those of the usage. What no protocol knows goes through untouched.
 */
export function observeFetch(send: Fetch, observation: FetchObservation): Fetch {
  const { observer } = observation
  const billing = new GatewayBillingWatch(observer)
  const asOperation = (request: FetchRequest) => guarded(observer, () => open(request, observation))

  return async (input, init) => {
    const request = guarded(observer, () => new FetchRequest(input, init))
    // Method and address say whether there is anything to meter; only then the body is looked at.
    if (request === undefined || asOperation(request) === undefined) return send(input, init)
    await request.readBody()
    const opened = asOperation(request)
    if (opened === undefined) return request.send(send)
    guarded(observer, () => billing.see({ baseURL: request.url }, request.givenHeaders))
    const { context, operation } = opened
    const call = guarded(observer, () => context.begin(operation, request.method.toUpperCase()))
    if (call === undefined) return request.send(send)

    const response = await sendRewritten(send, request, operation.rewrite).catch(
      (error: unknown) => {
        call.dismiss()
        throw error
      },
    )
    if (response.ok) return guarded(observer, () => observeResponse(response, call)) ?? response
    // What a retry or an error says is not an answer, and is not billed.
    call.dismiss()
    return response
  }
}

/** A request that is an operation, before it is begun. */
interface Opened {
  readonly operation: WireOperation<ObservedCall>
  readonly context: RequestContext
}

/** What was reported as not metered, by whatever `fetch` of the process. */
const reported = new Set<string>()

function open(request: FetchRequest, observation: FetchObservation): Opened | undefined {
  const { observer, protocols, includeUsage } = observation
  for (const protocol of protocols) {
    const provider = observation.provider ?? providerName(request.url, protocol.name)
    const target = { baseUrl: undefined, provider, includeUsage }
    const context = new RequestContext(protocol, observer, target)
    const operation = protocol.open(request, context)
    if (operation === undefined) continue
    if ('endpoint' in operation) return { operation, context }
    if (!reported.has(operation.unmetered)) observer.fault(operation.unmetered)
    reported.add(operation.unmetered)
    return undefined
  }
  return undefined
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
  if (response.ok) return response
  // An error, which is short, and still to be read by the caller.
  const said = await response
    .clone()
    .text()
    .catch(() => '')
  if (!rewrite.isRefusal(response.status, said)) return response
  const again = await request.send(send)
  // Perhaps it was the caller's own options that were refused: then it fails again, as it must.
  if (again.ok) rewrite.refused()
  return again
}

function rewritten(rewrite: RequestRewrite, body: unknown): Sendable | undefined {
  if (typeof body === 'string') return rewrite.apply(body)
  return body instanceof Uint8Array ? rewrite.apply(body) : undefined
}

type Sendable = string | Uint8Array<ArrayBuffer>

/** One call of a `fetch`, as its protocol sees it, and as it can be made more than once. */
class FetchRequest implements WireRequest {
  readonly method: string
  readonly url: string
  /** As the caller wrote them. */
  readonly givenHeaders: unknown
  body: unknown
  readonly #input: Parameters<Fetch>[0]
  readonly #init: RequestInit | undefined
  #isRead = false

  constructor(input: Parameters<Fetch>[0], init: RequestInit | undefined) {
    const request = input instanceof Request ? input : undefined
    this.method = init?.method ?? request?.method ?? 'GET'
    this.url = request?.url ?? String(input)
    this.givenHeaders = init?.headers ?? request?.headers
    this.#input = input
    this.#init = init
  }

  get headers(): HttpHeaders {
    return requestHeaders(this.givenHeaders)
  }

  /**
   * Finds out what is sent. The body of a `Request` is read, as sending it would do: what is sent are
   * copies of it. A stream or a blob is left alone.
   */
  async readBody(): Promise<void> {
    const given: unknown = this.#init?.body
    if (given === undefined || given === null) {
      const request = this.#input
      if (!(request instanceof Request) || request.body === null || request.bodyUsed) return
      this.body = new Uint8Array(await request.arrayBuffer())
      this.#isRead = true
    } else if (given instanceof ArrayBuffer) this.body = new Uint8Array(given)
    else if (ArrayBuffer.isView(given)) {
      this.body = new Uint8Array(given.buffer, given.byteOffset, given.byteLength)
    } else if (!(given instanceof ReadableStream) && !(given instanceof Blob)) this.body = given
  }

  /** @param changed in place of the body that the caller wrote. */
  send(send: Fetch, changed?: Sendable): Promise<Response> {
    const own: RequestInit = {}
    if (changed !== undefined) {
      own.body = changed
      own.headers = new Headers(this.#init?.headers ?? (this.givenHeaders as Headers | undefined))
      // Of the other body.
      own.headers.delete('content-length')
    }
    if (!this.#isRead) {
      if (changed === undefined) return send(this.#input, this.#init)
      return send(this.#input, { ...this.#init, ...own })
    }
    const body = this.body as Uint8Array<ArrayBuffer>
    return send(new Request(this.#input, { body, ...own }), this.#init)
  }
}
