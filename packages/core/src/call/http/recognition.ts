/**
 * Which protocol a request is of, by its host, its path and its body; and what is told of requests to
 * hosts of model providers that none of a meter's protocols knows.
 *
 * At a host, the protocol of whoever serves it goes first, then OpenAI's, which nearly everybody speaks
 * too, then, unless the first says that the request is free, the others: the first that knows a request
 * has it. What another than the first two claims is doubted as at a host that nobody knows
 * (`unknown-host.ts`).
 */
import { commonProtocol, knownProvider, protocolOfProvider } from '../../usage/provider-name.ts'
import { type Call, noEstimate } from '../../wire/endpoint.ts'
import { fieldsWithFiles, requestBody } from '../../wire/request-body.ts'
import type { WireOperation, WireProtocol, WireRequest } from '../../wire/protocol.ts'
import { ObservedCall } from '../observed-call.ts'
import { RequestContext } from '../operation.ts'
import type { CallObserver, OnRefused } from '../provider.ts'
import { ToldOnce } from '../told-once.ts'
import { asksModel, mayAskModel } from '../unknown-host.ts'
import { pathPattern, saysTokens, unknownUsageOf } from '../unknown-usage.ts'

/** What a `fetch` is observed with. */
export interface FetchObservation {
  readonly observer: CallObserver
  /** Who serves its requests. @default who their host says */
  readonly provider?: string | undefined
  /** Whether streams are asked for their usage. @default where the host is known to take it */
  readonly includeUsage?: boolean | undefined
  /** What its requests may be of. */
  readonly protocols: readonly WireProtocol[]
  /**
   * Its requests may go anywhere, and be of anything: what is sent to a host that nobody knows has to
   * show that it asks a model. @default false: they are those of a client of the protocols
   */
  readonly anywhere?: boolean | undefined
  /** What a request is sent by that is metered here: past another metered `fetch`. @default as any */
  readonly sendMetered?: typeof fetch
  /** How a refusal of the meter's guard is told. @default 'throw' */
  readonly onRefused?: OnRefused | undefined
}

/** What is at an address, where whoever sends requests there knows it. */
export interface KnownTarget {
  /** Goes first, as the protocol of whoever a host is known to be of. */
  readonly protocol: string
  /** Who serves the requests. @default who their host says */
  readonly provider?: string | undefined
}

/** A request that is an operation, before it is begun. */
export interface Opened {
  readonly operation: WireOperation<ObservedCall>
  readonly context: RequestContext
  /**
   * Its answer has to show that a model was asked, unless it is a stream of events; where it is `usage`, by
   * that alone.
   */
  readonly needsProof: boolean | 'usage'
  /** A body that could not be looked at: it may be no call of a model at all. */
  readonly isBlind: boolean
}

/** What is known of where a request goes. */
interface HostOf {
  readonly known: string | undefined
  readonly provider: string | undefined
  readonly isCertain: boolean
}

/** A request that nobody has opened. */
interface UnknownRequest extends WireRequest {
  /** Its body is not read yet. */
  readonly isUnread?: boolean
}

/** What was reported, by whatever `fetch` of the process. */
const reported = new ToldOnce()

/** Says what the requests of one `fetch` are. */
export class Recognition {
  readonly #observation: FetchObservation
  readonly #orders: Map<string, readonly WireProtocol[]>

  constructor(observation: FetchObservation) {
    this.#observation = observation
    this.#orders = ordersOf(observation.protocols)
  }

  /**
   * What a request asks for; `undefined` for what no protocol knows. Its body is looked at as far as it is
   * there: before it was read, this says whether it has to be.
   */
  open(request: WireRequest, target?: KnownTarget): Opened | 'unmetered' | undefined {
    const known = knownProvider(request.url)
    const own = target?.protocol ?? ownProtocol(known)
    const provider = target?.provider ?? this.#observation.provider ?? known
    for (const protocol of this.#inOrder(own)) {
      const isFirst = protocol.name === own || protocol.name === commonProtocol
      const isKnown = known !== undefined || target !== undefined
      if (!isFirst && isKnown && this.isFree(request, own)) return undefined
      const isCertain = this.#observation.anywhere !== true || (known !== undefined && isFirst)
      const opened = this.#openBy(protocol, request, { known, provider, isCertain })
      if (opened !== undefined) return opened
    }
    return undefined
  }

  /** True where a protocol, that of the host, says that a request bills nothing. */
  isFree(request: WireRequest, own: string): boolean {
    const protocol = this.#observation.protocols.find(({ name }) => name === own)
    return protocol?.isFree?.(request, undefined) === true
  }

  #inOrder(own: string): readonly WireProtocol[] {
    const { protocols } = this.#observation
    if (protocols.length < 2) return protocols
    let order = this.#orders.get(own)
    if (order === undefined) {
      const place = ({ name }: WireProtocol) => (name === own ? 0 : name === commonProtocol ? 1 : 2)
      order = protocols.toSorted((a, b) => place(a) - place(b))
      this.#orders.set(own, order)
    }
    return order
  }

  #openBy(
    protocol: WireProtocol,
    request: WireRequest,
    { known, provider = protocol.name, isCertain }: HostOf,
  ): Opened | 'unmetered' | undefined {
    const { observer, includeUsage } = this.#observation
    const sent = { baseUrl: undefined, address: request.url, provider, includeUsage }
    const target = { ...sent, needsProof: !isCertain }
    const context = new RequestContext(protocol, observer, target)
    const operation = protocol.open(request, context)
    if (operation === undefined) return undefined
    if (!('endpoint' in operation)) {
      if (isCertain || asksModel(requestBody(request.body))) {
        this.#reportOnce(operation.unmetered, operation.unmetered)
      }
      return 'unmetered'
    }
    const isBlind = request.body === undefined || isWrittenForm(request)
    // What is free is never refused, and bills by its answer alone.
    if (isCertain || isBlind || operation.free === true) {
      return { operation, context, isBlind, needsProof: !isCertain }
    }
    const { inputs } = operation.endpoint
    const isAsked =
      asksModel(operation.body, inputs) || asksModel(fieldsWithFiles(request.body), inputs)
    if (isAsked) return { operation, context, isBlind, needsProof: true }
    const isNobodys = known === undefined && operation.parts === undefined
    if (!isNobodys || !mayAskModel(operation.body, inputs)) return undefined
    const unchanged = { ...operation, rewrite: undefined }
    return { operation: unchanged, context, isBlind, needsProof: 'usage' }
  }

  /**
   * A request that no protocol knows. At the host of a model provider it may be a call that is not
   * metered: of an API that is not among the protocols, which is told once for the host; or of one that
   * is, whose answer will say that it used tokens.
   * @returns what is to look at the answer.
   */
  unknown(request: UnknownRequest): ObservedCall | undefined {
    const { anywhere, observer } = this.#observation
    if (anywhere !== true || request.method.toUpperCase() !== 'POST') return undefined
    const known = knownProvider(request.url)
    if (known === undefined) return undefined
    const own = protocolOfProvider(known)
    const { host, pathname } = new URL(request.url)
    if (!this.#observation.protocols.some(({ name }) => name === own)) {
      if (reported.has(host) || !looksAsking(request)) return undefined
      this.#reportOnce(
        host,
        `calls to ${host} are not metered: no provider of this meter knows the API of ${known}. ` +
          `Add ${own}Provider of @token-meter/${own} to createMeter({ providers: [...] }), take ` +
          'meter.fetch of that package, or record() their usage',
      )
      return undefined
    }
    const what = `POST ${pathPattern(pathname)}`
    const key = `${own} ${what}`
    if (reported.has(key) || this.isFree(request, own)) return undefined
    return watchingCall(observer, what, () => this.#reportOnce(key, unknownUsageOf(what)))
  }

  #reportOnce(what: string, message: string): void {
    if (reported.isNews(what)) this.#observation.observer.fault(message)
  }
}

function ownProtocol(known: string | undefined): string {
  return known === undefined ? commonProtocol : protocolOfProvider(known)
}

/** Of the lists of protocols, each of which is of a whole meter: a `fetch` is made for a request. */
const orders = new WeakMap<readonly WireProtocol[], Map<string, readonly WireProtocol[]>>()

function ordersOf(protocols: readonly WireProtocol[]): Map<string, readonly WireProtocol[]> {
  let found = orders.get(protocols)
  if (found === undefined) orders.set(protocols, (found = new Map()))
  return found
}

/** A form that is bytes already, as that of a `Request`. */
function isWrittenForm({ body, headers }: WireRequest): boolean {
  const isWritten = typeof body === 'string' || body instanceof Uint8Array
  return isWritten && headers?.get('content-type')?.startsWith('multipart/') === true
}

/** Hosts of model providers have other paths too: what has neither a model nor an input is none. */
function looksAsking(request: UnknownRequest): boolean {
  if (request.isUnread === true) return true
  const body = requestBody(request.body)
  return asksModel(body) || asksModel({ ...body, model: 'of the path' })
}

/** Looks, in passing, at an answer that nobody knows how to meter. It is recorded nowhere. */
function watchingCall(observer: CallObserver, name: string, found: () => void): ObservedCall {
  const endpoint = {
    ...noEstimate,
    name,
    read: (response: unknown) => {
      if (saysTokens(response)) found()
      return []
    },
  }
  const call: Call = { provider: '', endpoint: name, method: 'POST', body: {} }
  const nowhere = {
    record: () => {},
    keep: () => {},
    trackPending: () => {},
    defer: () => () => {},
    fault: (what: string, cause: unknown) => observer.fault(what, cause),
  }
  const watching = new ObservedCall(call, endpoint, { customer: null, attributes: {} }, nowhere)
  watching.needsProof = true
  return watching
}
