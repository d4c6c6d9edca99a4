import {
  bodySnapshot,
  type CallObserver,
  ClientObservation,
  type ClientOptions,
  type CurrentCall,
  type ObservedCall,
  type RequestOptions,
  type RoutedRequest,
} from '@token-meter/core/adapter'
import type { Call, Endpoint } from '@token-meter/core/wire'
import { batchCreation, linkedRequests } from '../wire/batches.ts'
import { completions } from '../wire/completions.ts'
import { messages } from '../wire/messages.ts'
import { createsBatch, isWithoutBill, type Route, routeOf } from '../wire/routes.ts'
import { type AnthropicClient, platformOf } from './anthropic-client.ts'
import { observeBatchDownload } from './batch-download.ts'
import { observeAttempts, observingMiddleware } from './middleware.ts'

const endpoints = { messages, completions }

/** Resource methods that a mock or another wrapper may stand in for, with what they would request. */
const leaves: Readonly<Record<string, Endpoint>> = {
  'messages.create': messages,
  'messages.parse': messages,
  'beta.messages.create': messages,
  'beta.messages.parse': messages,
  'completions.create': completions,
}

/** Calls that were reported as not metered, by whatever client of the process. */
const reportedCalls = new Set<string>()

type CallRoute = Extract<Route, { kind: 'messages' | 'completions' }>
type MiddlewareOptions = RequestOptions & { readonly middleware?: readonly unknown[] }

/** Observes the requests of one metered client. */
export class AnthropicObservation extends ClientObservation<AnthropicClient, CallRoute> {
  /** The calls that a middleware observes, response by response. */
  readonly #attempts = new WeakMap<ObservedCall, ObservedCall[]>()

  constructor(observer: CallObserver, options: ClientOptions) {
    super(observer, options, reportedCalls)
  }

  override request(
    client: AnthropicClient,
    method: string,
    original: (...args: unknown[]) => unknown,
    args: unknown[],
  ): unknown {
    const batchId = this.guarded(() => batchOf(client, method, args))
    if (batchId !== undefined) {
      return this.#download(client, batchId, Reflect.apply(original, client, args))
    }
    const creation = this.guarded(() => this.#createsLinked(client, method, args))
    if (creation === undefined) return super.request(client, method, original, args)
    return this.answered(Reflect.apply(original, client, args), () => creation)
  }

  /** The creation of a batch, only where a request of it is billed to somebody else. */
  #createsLinked(
    client: AnthropicClient,
    method: string,
    args: unknown[],
  ): ObservedCall | undefined {
    const { verb, path, options } = askedFor(method, args)
    if (!createsBatch(verb, path, client)) return undefined
    const call = this.call(client, 'messages.batches', verb, options)
    const linked = linkedRequests(call.provider, call.body)
    return linked && this.observer.begin(call, batchCreation(linked), { free: true })
  }

  /** The results of a batch: whoever downloads them pays, or whom the customer function finds in a line. */
  #download(client: AnthropicClient, batchId: string, answer: unknown): unknown {
    return (
      this.guarded(() => {
        const options = { body: { batch_id: batchId } }
        const call = this.call(client, 'messages.batches.results', 'GET', options)
        return observeBatchDownload(answer, batchId, call, this.observer)
      }) ?? answer
    )
  }

  protected routeOf(client: AnthropicClient, method: string, path: string): CallRoute | undefined {
    const route = routeOf(method, path, client)
    if (route?.kind === 'unmetered') this.#reportUnmetered(route.what)
    return route?.kind === 'messages' || route?.kind === 'completions' ? route : undefined
  }

  protected override isWithoutBill({ baseURL }: AnthropicClient, path: string): boolean {
    return isWithoutBill(path, { baseURL })
  }

  #reportUnmetered(what: string): void {
    this.reportOnce(
      what,
      `the work of ${what} is not metered, because Anthropic does not say which model did it: record() its usage`,
    )
  }

  protected leafEndpoint(path: string): Endpoint | undefined {
    return leaves[path]
  }

  protected vendorOf(client: AnthropicClient): string {
    return platformOf(client)
  }

  protected bodyOf(options: RequestOptions | undefined): Call['body'] {
    const body = options?.body
    return typeof body === 'object' && body !== null ? bodySnapshot(body) : {}
  }

  protected override isDirect({ baseURL }: AnthropicClient): boolean {
    return baseURL === 'https://api.anthropic.com'
  }

  protected begin(request: RoutedRequest<AnthropicClient, CallRoute>): ObservedCall {
    const { client, route, method, options } = request
    const call = this.call(client, route.kind, method, options)
    return this.observer.begin(call, endpoints[route.kind])
  }

  protected override sends(
    client: AnthropicClient,
    observed: ObservedCall,
    options: MiddlewareOptions | undefined,
  ): RequestOptions | undefined {
    if (!hasMiddleware(client, options)) return options
    const attempts: ObservedCall[] = []
    const own = observingMiddleware(observed, attempts)
    const sent: MiddlewareOptions = {
      ...options,
      middleware: [...(options?.middleware ?? []), own],
    }
    this.#attempts.set(observed, attempts)
    return sent
  }

  /** The middleware sees what a call was answered; where there is one, it alone. */
  protected override answered(answer: unknown, current: CurrentCall): unknown {
    const call = current()
    const attempts = call && this.#attempts.get(call)
    if (attempts !== undefined) return observeAttempts(answer, attempts)
    return super.answered(answer, () => {
      const later = current()
      return later && this.#attempts.has(later) ? undefined : later
    })
  }
}

/** The batch whose results a request downloads, which its options say beside its path. */
function batchOf(client: AnthropicClient, method: string, args: unknown[]): string | undefined {
  const { verb, path, options } = askedFor(method, args)
  if (verb !== 'get') return undefined
  const route = routeOf(verb, path, client, options)
  return route?.kind === 'batch-results' ? route.batchId : undefined
}

/** A request at `post`, `get` or `request`, whichever way it is written. */
function askedFor(method: string, args: unknown[]) {
  const [path, given] = method === 'request' ? [undefined, args[0]] : args
  const options = (given ?? {}) as RequestOptions & { readonly stream?: unknown }
  const verb = method === 'request' ? String(options.method).toLowerCase() : method
  return { verb, path: String(path ?? options.path), options }
}

/** True where the application has middleware of its own, which SDKs from 0.101 on can have. */
function hasMiddleware(client: AnthropicClient, options: MiddlewareOptions | undefined): boolean {
  const { middleware } = client as { middleware?: unknown }
  if (!Array.isArray(middleware)) return false
  return middleware.length > 0 || (options?.middleware?.length ?? 0) > 0
}
