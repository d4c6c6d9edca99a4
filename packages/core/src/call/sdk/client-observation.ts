import { providerName } from '../../usage/provider-name.ts'
import type { Endpoint } from '../../wire/endpoint.ts'
import { type HttpHeaders, requestHeaders } from '../../wire/http-headers.ts'
import { ownValue } from '../../wire/linked-billing.ts'
import type { WireOperation, WireProtocol, WireRequest } from '../../wire/protocol.ts'
import { requestBody } from '../../wire/request-body.ts'
import { GatewayBillingWatch } from '../gateway-billing.ts'
import { type CallObserver, type ClientOptions, guarded } from '../provider.ts'
import type { ObservedCall } from '../observed-call.ts'
import { RequestContext } from '../operation.ts'
import { untilAdmitted } from '../refusals.ts'
import { ToldOnce } from '../told-once.ts'
import { asMetered } from '../unmetered-watch.ts'
import { pathPattern, unknownUsageOf } from '../unknown-usage.ts'
import { type CurrentCall, observeCall } from './observe-call.ts'
import { isPromise, prepareOptions } from './request-options.ts'
import { watchForUsage } from './watch-for-usage.ts'

/** What the clients of SDKs made by Stainless have in common, as far as it matters here. */
export interface SdkClient {
  readonly baseURL: string
}

/** Options of one request at `post`, `get` or `request`, which has the first two of them too. */
export interface RequestOptions {
  readonly method?: string
  readonly path?: string
  readonly body?: unknown
  readonly headers?: unknown
  readonly signal?: AbortSignal | null | undefined
}

/** A request that is an operation, before it is begun. */
interface Opened {
  readonly operation: WireOperation<ObservedCall>
  readonly context: RequestContext
}

/** What was reported as not metered, by whatever client of the process. */
const reported = new ToldOnce()

/**
 * Observes the requests of one client of an SDK whose every request passes `post`, `get` or
 * `request`, as those of OpenAI and Anthropic do: each is what the protocol says of it. A provider
 * says what is the SDK's own.
 */
export abstract class ClientObservation<Client extends SdkClient> {
  protected readonly observer: CallObserver
  protected readonly options: ClientOptions
  readonly #protocol: WireProtocol
  readonly #gatewayBilling: GatewayBillingWatch

  constructor(protocol: WireProtocol, observer: CallObserver, options: ClientOptions) {
    this.#protocol = protocol
    this.observer = observer
    this.options = options
    this.#gatewayBilling = new GatewayBillingWatch(observer)
  }

  /** How the calls of a resource method are read that something else may stand in for. */
  protected abstract replacedEndpoint(path: string): Endpoint | undefined

  /** Who serves a client whose host says nothing. @default the name of the protocol */
  protected vendorOf?(client: Client): string

  /** The version of the API that the client asks for beside its requests' paths. */
  protected apiVersionOf?(client: Client): string | undefined

  /** The body of a request. @default what its options have */
  protected bodyOf?(options: RequestOptions | undefined): unknown

  /**
   * Before a request starts whose options are still to come, after which it is too late to change
   * the client; `operation` is `undefined` where only its options will tell.
   */
  protected startsLater?(client: Client, operation: WireOperation | undefined): void

  /** The options to send an observed request with. */
  protected sends?(
    client: Client,
    observed: ObservedCall,
    options: RequestOptions | undefined,
  ): RequestOptions | undefined

  /** True where no gateway can stand between, so that none is looked for in a request's headers. */
  protected isDirect?(client: Client): boolean

  /** Observes what the SDK answered; returns what the caller gets. */
  protected answered(answer: unknown, current: CurrentCall): unknown {
    return observeCall(answer, current)
  }

  /** A request at `post`, `get` or `request`, whose options may be a promise. */
  request(
    client: Client,
    method: string,
    original: (...args: unknown[]) => unknown,
    args: unknown[],
  ): unknown {
    const isWhole = method === 'request'
    const place = isWhole ? 0 : 1
    const given = args[place] as RequestOptions | PromiseLike<RequestOptions> | undefined
    const isLater = isPromise(given)
    const open = (options: RequestOptions | undefined): Opened | undefined =>
      this.guarded(() =>
        isWhole
          ? this.#open(client, String(options?.method), String(options?.path), options)
          : this.#open(client, method, String(args[0]), options),
      )
    // Where the options are still to come, the path says whether there is anything to observe.
    const known = isLater && isWhole ? undefined : open(isLater ? undefined : given)
    if (known === undefined && !(isLater && isWhole)) {
      const answer: unknown = asMetered(() => Reflect.apply(original, client, args), false)
      if (isLater) return answer
      return this.guarded(() => this.#watchUnknown(client, method, args, answer)) ?? answer
    }
    if (isLater && this.startsLater !== undefined) {
      this.guarded(() => this.startsLater?.(client, known?.operation))
    }

    let observed: ObservedCall | undefined
    const prepare = (
      options: RequestOptions | undefined,
    ): RequestOptions | undefined | Promise<RequestOptions | undefined> => {
      const opened = isLater ? open(options) : known
      if (opened === undefined) return options
      observed = this.#begin(client, opened, options?.method ?? method, options)
      if (observed === undefined) return options
      const sent = this.#sent(client, observed, options)
      // The SDK sends nothing then.
      if (observed.isHeld && options?.signal?.aborted === true) observed.dismiss()
      if (observed.admission === undefined) return sent
      return untilAdmitted(observed, sent?.signal).then(() => sent)
    }
    const newArgs = [...args]
    newArgs[place] = prepareOptions(given, prepare)
    const answer: unknown = asMetered(() => Reflect.apply(original, client, newArgs))
    return this.answered(answer, () => observed)
  }

  #open(
    client: Client,
    method: string,
    path: string,
    options: RequestOptions | undefined,
  ): Opened | undefined {
    const context = this.#context(client)
    const body = this.bodyOf === undefined ? options?.body : this.bodyOf(options)
    const request = new SdkRequest(method, path, body, client, options)
    const operation = this.#protocol.open(request, context)
    if (operation === undefined) return undefined
    if ('endpoint' in operation) return { operation, context }
    this.#reportOnce(operation.unmetered, operation.unmetered)
    return undefined
  }

  #context(client: Client): RequestContext {
    return new RequestContext(this.#protocol, this.observer, {
      baseUrl: client.baseURL,
      provider: this.providerOf(client),
      includeUsage: this.options.includeUsage,
      apiVersion: this.apiVersionOf?.(client),
    })
  }

  /** Who serves the requests of a client. */
  protected providerOf(client: Client): string {
    const { provider } = this.options
    if (provider !== undefined) return provider
    return providerName(client.baseURL, this.vendorOf?.(client) ?? this.#protocol.name)
  }

  #begin(
    client: Client,
    { operation, context }: Opened,
    method: string,
    options: RequestOptions | undefined,
  ): ObservedCall | undefined {
    if (this.isDirect?.(client) !== true) {
      this.guarded(() => this.#gatewayBilling.see(client, headersOf(options)))
    }
    return this.guarded(() => context.begin(operation, method.toUpperCase()))
  }

  #sent(
    client: Client,
    observed: ObservedCall,
    options: RequestOptions | undefined,
  ): RequestOptions | undefined {
    if (this.sends === undefined) return options
    return this.guarded(() => this.sends?.(client, observed, options)) ?? options
  }

  /** A client that is recognised is metered, or it is told what is not: once. */
  #watchUnknown(client: Client, method: string, args: unknown[], answer: unknown): unknown {
    const field = (name: string) =>
      typeof args[0] === 'object' && args[0] !== null ? ownValue(args[0], name) : undefined
    const isWhole = method === 'request'
    const [verb, path] = isWhole ? [field('method'), field('path')] : [method, args[0]]
    // What is asked for again, by a GET, was billed when it was made.
    if (typeof path !== 'string' || String(verb).toLowerCase() !== 'post') return answer
    const request = new SdkRequest('post', path, undefined, client, undefined)
    if (this.#protocol.isFree?.(request, client.baseURL) === true) return answer
    const what = `POST ${pathPattern(path)}`
    if (reported.has(`${this.#protocol.name} ${what}`)) return answer
    return watchForUsage(answer, () => this.#reportOnce(what, unknownUsageOf(what)))
  }

  /** Reports, once in a process, what cannot be metered: an application that does it again hears no more. */
  #reportOnce(what: string, message: string): void {
    if (reported.isNews(`${this.#protocol.name} ${what}`)) this.observer.fault(message)
  }

  /**
   * A call of a function that stands in for one of the SDK's own, and has not sent a request of the client:
   * whatever it has done, no guard can refuse it any more.
   */
  replacedMethod(client: Client, path: string, [body]: unknown[]): CurrentCall | undefined {
    const endpoint = this.replacedEndpoint(path)
    if (endpoint === undefined) return undefined
    const operation = () => ({ endpoint, body: requestBody(body) })
    const observed = this.guarded(() => this.#context(client).begin(operation(), 'POST', true))
    return () => observed
  }

  /** Something of the client cannot be observed: its calls work, and are not metered. */
  fault(what: string): void {
    this.observer.fault(what)
  }

  /** Nothing of the meter reaches the call, but the refusal that the application asked for. */
  protected guarded<Value>(work: () => Value): Value | undefined {
    return guarded(this.observer, work)
  }
}

/** A request of an SDK, as its protocol sees it. */
class SdkRequest implements WireRequest {
  readonly method: string
  readonly url: string
  readonly body: unknown
  readonly #client: object
  readonly #options: RequestOptions | undefined

  constructor(
    method: string,
    url: string,
    body: unknown,
    client: object,
    options: RequestOptions | undefined,
  ) {
    this.method = method
    this.url = url
    this.body = body
    this.#client = client
    this.#options = options
  }

  /** Merged when they are asked for, which most protocols never do. */
  get headers(): HttpHeaders {
    const { _options: settings } = this.#client as { _options?: { defaultHeaders?: unknown } }
    return requestHeaders(settings?.defaultHeaders, headersOf(this.#options))
  }
}

/** Not from a getter, which may be for the SDK alone to read. */
function headersOf(options: RequestOptions | undefined): unknown {
  return options && Object.getOwnPropertyDescriptor(options, 'headers')?.value
}
