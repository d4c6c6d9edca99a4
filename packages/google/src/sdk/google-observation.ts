import {
  type CallObserver,
  type ClientOptions,
  guarded,
  type ObservedCall,
  observeFetch,
  RequestContext,
  ToldOnce,
} from '@token-meter/core/adapter'
import type { Call, Endpoint, WireOperation, WireRequest } from '@token-meter/core/wire'
import { googleWire } from '../wire/protocol.ts'
import type { ApiClient } from './google-client.ts'

/** Said once: an application that uses them would hear nothing else. */
const reported = new ToldOnce()

/** A request that is an operation, before it is begun. */
export interface Opened {
  readonly operation: WireOperation<ObservedCall>
  readonly context: RequestContext
  readonly method: string
}

/** Begins the calls of one metered client. */
export class Observation {
  readonly #observer: CallObserver
  readonly #options: ClientOptions
  readonly #api: ApiClient

  constructor(observer: CallObserver, options: ClientOptions, api: ApiClient) {
    this.#observer = observer
    this.#options = options
    this.#api = api
  }

  /**
   * What a request asks for, which is about to be sent; `undefined` where it is not to be metered or
   * the meter itself failed.
   */
  open(request: Omit<WireRequest, 'headers'>): Opened | undefined {
    return this.guarded(() => {
      const context = this.#context()
      const operation = googleWire.open({ ...request, headers: undefined }, context)
      if (operation === undefined) return undefined
      if ('endpoint' in operation) return { operation, context, method: request.method }
      this.report(operation.unmetered)
      return undefined
    })
  }

  /**
   * A request that was opened is sent; `undefined` where the meter itself failed.
   * @throws MissingCustomerError where the meter refuses calls that nobody pays for.
   */
  begin({ operation, context, method }: Opened): ObservedCall | undefined {
    return this.guarded(() => context.begin(operation, method))
  }

  /**
   * The same for what is no request of the API: a session, a function in place of the SDK's.
   * @throws MissingCustomerError where the meter refuses calls that nobody pays for.
   */
  beginCall(endpoint: Endpoint, body: Call['body'], method = 'POST'): ObservedCall | undefined {
    return this.guarded(() => this.#context().begin({ endpoint, body }, method))
  }

  /**
   * The `fetch` of the interactions API, which from SDK 2 on goes around the API client's requests.
   *
   * @param own the application's `httpOptions.fetch`, if there is one.
   */
  observedFetch(own: typeof fetch | undefined): typeof fetch {
    // Found when it is called, as an application may replace the global one later.
    const send: typeof fetch = (input, init) =>
      init === undefined ? (own ?? fetch)(input) : (own ?? fetch)(input, init)
    const [observer, protocols] = [this.#observer, [googleWire]]
    return observeFetch(send, { observer, protocols, provider: this.#provider })
  }

  get #provider(): string {
    return this.#options.provider ?? (this.#api.isVertexAI() ? 'vertex' : 'google')
  }

  /** Where the client sends what it does not send elsewhere by options of a request. */
  get #baseUrl(): string | undefined {
    const baseUrl: unknown = this.#api.getBaseUrl?.()
    return typeof baseUrl === 'string' ? baseUrl : undefined
  }

  #context(): RequestContext {
    const target = { baseUrl: undefined, address: this.#baseUrl, provider: this.#provider }
    return new RequestContext(googleWire, this.#observer, target)
  }

  /** Nothing of the meter reaches the call, but the refusal that the application asked for. */
  guarded<Value>(work: () => Value): Value | undefined {
    return guarded(this.#observer, work)
  }

  /** Something works and is not metered: said once in a process. */
  reportUnmetered(what: string): void {
    this.report(`${what} work, but are not metered: record() their usage`)
  }

  /** Tells the application of something that happens. */
  fault(what: string, cause: unknown): void {
    this.#observer.fault(what, cause)
  }

  /** Says something once in a process. */
  report(what: string): void {
    if (reported.isNews(what)) this.#observer.fault(what)
  }
}
