import { ownValue } from '../../wire/linked-billing.ts'
import { providerName } from '../../usage/provider-name.ts'
import type { Call, Endpoint } from '../../wire/endpoint.ts'
import { GatewayBillingWatch } from '../gateway-billing.ts'
import { guarded } from '../guarded.ts'
import { type CurrentCall, observeCall } from './observe-call.ts'
import type { ObservedCall } from '../observed-call.ts'
import type { CallObserver, ClientOptions } from '../provider.ts'
import { isPromise, prepareOptions } from './request-options.ts'
import { pathPattern, watchForUsage } from './unknown-usage.ts'

/** Options of one request at `post`, `get` or `request`, which has the first two of them too. */
export interface RequestOptions {
  readonly method?: string
  readonly path?: string
  readonly body?: unknown
  readonly headers?: unknown
}

/** One request that a route was found for. */
export interface RoutedRequest<Client, Route> {
  readonly client: Client
  readonly route: Route
  /** The HTTP method, as it was written. */
  readonly method: string
  readonly options: RequestOptions | undefined
}

/**
 * Observes the requests of one client of an SDK whose every request passes `post`, `get` or
 * `request`, as those of OpenAI and Anthropic do. A provider says what a request is, and begins it.
 */
export abstract class ClientObservation<Client extends { readonly baseURL: string }, Route> {
  protected readonly observer: CallObserver
  protected readonly options: ClientOptions
  readonly #gatewayBilling: GatewayBillingWatch
  readonly #reported: Set<string>

  /** @param reported what was reported before: an application that does it again hears no more. */
  constructor(observer: CallObserver, options: ClientOptions, reported: Set<string>) {
    this.observer = observer
    this.options = options
    this.#gatewayBilling = new GatewayBillingWatch(observer)
    this.#reported = reported
  }

  /** What a request asks for; `undefined` for what is not metered. */
  protected abstract routeOf(client: Client, method: string, path: string): Route | undefined

  /** Begins to observe a request that is about to be sent. */
  protected abstract begin(request: RoutedRequest<Client, Route>): ObservedCall | undefined

  /** How the calls of a resource method are read that something else may stand in for. */
  protected abstract leafEndpoint(path: string): Endpoint | undefined

  /** Who serves a client whose host says nothing. */
  protected abstract vendorOf(client: Client): string

  /** The body of a request, as the meter and the application's functions see it. */
  protected abstract bodyOf(options: RequestOptions | undefined): Call['body']

  /**
   * Before a request starts whose options are still to come, after which it is too late to change
   * the client; `route` is `undefined` where only its options will tell.
   */
  protected startsLater?(client: Client, route: Route | undefined): void

  /** True for a POST without a route that bills nothing, whatever its answer says. */
  protected isWithoutBill?(client: Client, path: string): boolean

  /** The options to send an observed request with. */
  protected sends?(
    client: Client,
    observed: ObservedCall,
    options: RequestOptions | undefined,
  ): RequestOptions | undefined

  /** True where no gateway can stand between, so that none is looked for in a request's headers. */
  protected isDirect?(client: Client): boolean

  /** Observes what the SDK answered; answers what the caller gets. */
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
    let known: Route | undefined
    if (!isWhole) known = this.#routeOfPath(client, method, args[0])
    else if (!isLater) known = this.#routeOfWhole(client, given)
    if (known === undefined && !(isWhole && isLater)) {
      const answer: unknown = Reflect.apply(original, client, args)
      if (isLater) return answer
      return this.guarded(() => this.#watchUnknown(client, method, args, answer)) ?? answer
    }
    if (isLater && this.startsLater !== undefined) {
      this.guarded(() => this.startsLater?.(client, known))
    }

    let observed: ObservedCall | undefined
    const prepare = (options: RequestOptions | undefined): RequestOptions | undefined => {
      const route = known ?? this.#routeOfWhole(client, options)
      if (route === undefined) return options
      observed = this.#begin({ client, route, method: options?.method ?? method, options })
      return observed === undefined ? options : this.#sent(client, observed, options)
    }
    const newArgs = [...args]
    newArgs[place] = prepareOptions(given, prepare)
    return this.answered(Reflect.apply(original, client, newArgs), () => observed)
  }

  /** A client that is recognised is metered, or it is told what is not: once. */
  #watchUnknown(client: Client, method: string, args: unknown[], answer: unknown): unknown {
    const field = (name: string) =>
      typeof args[0] === 'object' && args[0] !== null ? ownValue(args[0], name) : undefined
    const isWhole = method === 'request'
    const [verb, path] = isWhole ? [field('method'), field('path')] : [method, args[0]]
    // What is asked for again, by a GET, was billed when it was made.
    if (typeof path !== 'string' || String(verb).toLowerCase() !== 'post') return answer
    if (this.isWithoutBill?.(client, path) === true) return answer
    const what = `POST ${pathPattern(path)}`
    if (this.#reported.has(what)) return answer
    return watchForUsage(answer, () =>
      this.reportOnce(
        what,
        `${what} answered usage and is not metered, as nobody here knows what it is: record() it`,
      ),
    )
  }

  #routeOfPath(client: Client, method: string, path: unknown): Route | undefined {
    return this.guarded(() => this.routeOf(client, method, String(path)))
  }

  #routeOfWhole(client: Client, options: RequestOptions | undefined): Route | undefined {
    return this.guarded(() =>
      this.routeOf(client, String(options?.method).toLowerCase(), String(options?.path)),
    )
  }

  #begin(request: RoutedRequest<Client, Route>): ObservedCall | undefined {
    this.guarded(() => this.#seeGateway(request.client, request.options))
    return this.guarded(() => this.begin(request))
  }

  #sent(
    client: Client,
    observed: ObservedCall,
    options: RequestOptions | undefined,
  ): RequestOptions | undefined {
    if (this.sends === undefined) return options
    return this.guarded(() => this.sends?.(client, observed, options)) ?? options
  }

  /** A call of a function that stands in for one of the SDK's own. */
  leaf(client: Client, path: string, [body]: unknown[]): CurrentCall | undefined {
    const endpoint = this.leafEndpoint(path)
    if (endpoint === undefined) return undefined
    const observed = this.guarded(() =>
      this.observer.begin(this.call(client, endpoint.name, 'POST', { body }), endpoint),
    )
    return () => observed
  }

  /** Something of the client cannot be observed: its calls work, and are not metered. */
  fault(what: string): void {
    this.observer.fault(what)
  }

  protected call(
    client: Client,
    endpoint: string,
    method: string,
    options: RequestOptions | undefined,
  ): Call {
    return {
      provider: this.options.provider ?? providerName(client.baseURL, this.vendorOf(client)),
      endpoint,
      method: method.toUpperCase(),
      body: this.bodyOf(options),
    }
  }

  #seeGateway(client: Client, options: RequestOptions | undefined): void {
    if (this.isDirect?.(client) !== true) this.#gatewayBilling.see(client, headersOf(options))
  }

  /** Reports, once, what cannot be metered. */
  protected reportOnce(what: string, message: string): void {
    if (this.#reported.has(what)) return
    this.#reported.add(what)
    this.observer.fault(message)
  }

  /** Nothing of the meter reaches the call, but the refusal that the application asked for. */
  protected guarded<Value>(work: () => Value): Value | undefined {
    return guarded(this.observer, work)
  }
}

/** Not from a getter, which may be for the SDK alone to read. */
function headersOf(options: RequestOptions | undefined): unknown {
  return options && Object.getOwnPropertyDescriptor(options, 'headers')?.value
}
