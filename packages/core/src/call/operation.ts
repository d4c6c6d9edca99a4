import type { JobStore, WireContext, WireOperation, WireProtocol } from '../wire/protocol.ts'
import { CallJobs, jobMemory } from './job-memory.ts'
import type { ObservedCall } from './observed-call.ts'
import type { CallObserver } from './provider.ts'

/** Where a request goes, as far as whoever sends it knows. */
export type RequestTarget = Omit<WireContext, 'jobs' | 'warn'>

/**
 * What one request is opened and begun with: the same for a client of an SDK, a `fetch` and a proxy.
 * It is the protocol's view of the request, and knows the call once it has begun.
 */
export class RequestContext implements WireContext<ObservedCall> {
  readonly baseUrl: string | undefined
  readonly provider: string
  readonly includeUsage: boolean | undefined
  readonly apiVersion: string | undefined
  readonly #protocol: WireProtocol
  readonly #observer: CallObserver
  #call: ObservedCall | undefined

  constructor(protocol: WireProtocol, observer: CallObserver, target: RequestTarget) {
    this.baseUrl = target.baseUrl
    this.provider = target.provider
    this.includeUsage = target.includeUsage
    this.apiVersion = target.apiVersion
    this.#protocol = protocol
    this.#observer = observer
  }

  jobs(kind: string): JobStore<ObservedCall> {
    return new CallJobs(jobMemory(this.#protocol.name, kind), () => this.#call)
  }

  warn(message: string): void {
    this.#observer.fault(message)
  }

  /**
   * A request is about to be sent: who pays is found out now.
   * @throws MissingCustomerError where the meter refuses calls that nobody pays for.
   */
  begin(operation: WireOperation<ObservedCall>, method: string): ObservedCall {
    const { endpoint, body, free = false, creator, rewrite } = operation
    const call = { provider: this.provider, endpoint: endpoint.name, method, body }
    const observed =
      creator?.again(call, endpoint) ?? this.#observer.begin(call, endpoint, { free })
    observed.rewrite = rewrite
    this.#call = observed
    return observed
  }
}
