import {
  type CallObserver,
  ClientObservation,
  type ClientOptions,
  type CurrentCall,
  type ObservedCall,
  RequestContext,
  type RequestOptions,
} from '@token-meter/core/adapter'
import type { Endpoint } from '@token-meter/core/wire'
import { batchResults } from '../wire/batches.ts'
import { anthropicWire, endpoints } from '../wire/protocol.ts'
import { exactPath, routeOf } from '../wire/routes.ts'
import { type AnthropicClient, platformOf } from './anthropic-client.ts'
import { observeBatchDownload } from './batch-download.ts'
import { observeAttempts, observingMiddleware } from './middleware.ts'

/** Resource methods that a mock or another wrapper may replace, with what they would request. */
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
        const target = { baseUrl: client.baseURL, provider: this.providerOf(client) }
        const context = new RequestContext(anthropicWire, this.observer, target)
        return observeBatchDownload(answer, batchResults(batchId, context), context)
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
    if (call !== undefined && attempts !== undefined) return observeAttempts(answer, call, attempts)
    return super.answered(answer, () => {
      const later = current()
      return later && this.#attempts.has(later) ? undefined : later
    })
  }
}

/** What the SDK marks the download of a batch's results with, wherever these are kept. */
interface DownloadOptions extends RequestOptions {
  readonly stream?: unknown
  readonly __binaryResponse?: unknown
}

/** The batch whose results a request downloads, which its options say beside its path. */
function batchOf({ baseURL }: AnthropicClient, method: string, args: unknown[]) {
  const [place, given] = method === 'request' ? [undefined, args[0]] : args
  const options = (given ?? {}) as DownloadOptions
  const verb = method === 'request' ? String(options.method).toLowerCase() : method
  if (verb !== 'get') return undefined
  const path = String(place ?? options.path)
  const route = routeOf(verb, path, baseURL)
  if (route?.kind === 'batch-results') return route.batchId
  // The address is the server's to choose: without its query, which may be a signature, it stands
  // for the batch.
  const isResults = options.stream === true && options.__binaryResponse === true
  return isResults ? exactPath(path, baseURL) : undefined
}

/** True where the application has middleware of its own, which SDKs from 0.101 on can have. */
function hasMiddleware(client: AnthropicClient, options: MiddlewareOptions | undefined): boolean {
  const { middleware } = client as { middleware?: unknown }
  if (!Array.isArray(middleware)) return false
  return middleware.length > 0 || (options?.middleware?.length ?? 0) > 0
}
