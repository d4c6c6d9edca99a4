import {
  type CallObserver,
  ClientObservation,
  type ClientOptions,
  type CurrentCall,
  type ObservedCall,
  type RequestOptions,
} from '@token-meter/core/adapter'
import type { Endpoint } from '@token-meter/core/wire'
import { anthropicWire, endpoints } from '../wire/protocol.ts'
import { routeOf } from '../wire/routes.ts'
import { type AnthropicClient, platformOf } from './anthropic-client.ts'
import { observeBatchDownload } from './batch-download.ts'
import { observeAttempts, observingMiddleware } from './middleware.ts'

/** Resource methods that a mock or another wrapper may stand in for, with what they would request. */
const replaceable: Readonly<Record<string, Endpoint>> = {
  'messages.create': endpoints.messages,
  'messages.parse': endpoints.messages,
  'beta.messages.create': endpoints.messages,
  'beta.messages.parse': endpoints.messages,
  'completions.create': endpoints.completions,
}

type MiddlewareOptions = RequestOptions & { readonly middleware?: readonly unknown[] }

/** Observes the requests of one metered client. */
export class AnthropicObservation extends ClientObservation<AnthropicClient> {
  /** The calls that a middleware observes, response by response. */
  readonly #attempts = new WeakMap<ObservedCall, ObservedCall[]>()

  constructor(observer: CallObserver, options: ClientOptions) {
    super(anthropicWire, observer, options)
  }

  override request(
    client: AnthropicClient,
    method: string,
    original: (...args: unknown[]) => unknown,
    args: unknown[],
  ): unknown {
    const batchId = this.guarded(() => batchOf(client, method, args))
    if (batchId === undefined) return super.request(client, method, original, args)
    return this.#download(client, batchId, Reflect.apply(original, client, args))
  }

  /** The results of a batch: whoever downloads them pays, or whom the customer function finds in a line. */
  #download(client: AnthropicClient, batchId: string, answer: unknown): unknown {
    return (
      this.guarded(() => {
        const call = {
          provider: this.providerOf(client),
          endpoint: 'messages.batches.results',
          method: 'GET',
          body: { batch_id: batchId },
        }
        return observeBatchDownload(answer, batchId, call, this.observer)
      }) ?? answer
    )
  }

  protected replacedEndpoint(path: string): Endpoint | undefined {
    return replaceable[path]
  }

  protected override vendorOf(client: AnthropicClient): string {
    return platformOf(client)
  }

  protected override isDirect({ baseURL }: AnthropicClient): boolean {
    return baseURL === 'https://api.anthropic.com'
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
