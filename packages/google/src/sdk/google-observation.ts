import {
  type CallObserver,
  type ClientOptions,
  guarded,
  type ObservedCall,
} from '@token-meter/core/adapter'
import type { Call, Endpoint } from '@token-meter/core/wire'
import type { ApiClient } from './google-client.ts'

/** Said once: an application that uses them would hear nothing else. */
const reported = new Set<string>()

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

  get provider(): string {
    return this.#options.provider ?? (this.#api.isVertexAI() ? 'vertex' : 'google')
  }

  /**
   * A call is about to be sent; `undefined` where the meter itself failed.
   * @throws MissingCustomerError where the meter refuses calls that nobody pays for.
   */
  begin(
    endpoint: Endpoint,
    body: Call['body'],
    { method = 'POST', free = false }: { method?: string; free?: boolean } = {},
  ): ObservedCall | undefined {
    return this.guarded(() => {
      const call = { provider: this.provider, endpoint: endpoint.name, method, body }
      return this.#observer.begin(call, endpoint, { free })
    })
  }

  /** Nothing of the meter reaches the call, but the refusal that the application asked for. */
  guarded<Value>(work: () => Value): Value | undefined {
    return guarded(this.#observer, work)
  }

  /** Something works and is not metered: said once in a process. */
  reportUnmetered(what: string): void {
    this.report(`${what} work, but are not metered: record() their usage`)
  }

  /** Says something once in a process. */
  report(what: string): void {
    if (reported.has(what)) return
    reported.add(what)
    this.#observer.fault(what)
  }
}
