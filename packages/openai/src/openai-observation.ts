import {
  type Call,
  type CallObserver,
  type ClientOptions,
  type CurrentCall,
  type Endpoint,
  isPromise,
  MissingCustomerError,
  observeCall,
  type ObservedCall,
  prepareOptions,
  providerName,
} from '@token-meter/core/adapter'
import { BackgroundResponses } from './background-responses.ts'
import { chatCompletions, legacyCompletions } from './endpoint/chat-completions.ts'
import { embeddings } from './endpoint/embeddings.ts'
import { responsesEndpoint } from './endpoint/responses.ts'
import type { OpenAIClient } from './openai-client.ts'
import { hookRequests, withUsageRequest } from './request/request-hooks.ts'
import { type Route, routeOf } from './request/routes.ts'
import { usageRequest } from './request/usage-request.ts'

const endpoints: Readonly<Record<string, Endpoint>> = {
  'chat.completions': chatCompletions,
  completions: legacyCompletions,
  embeddings,
  responses: responsesEndpoint(),
}

/** Resource methods that a mock or another wrapper may stand in for, with what they would request. */
const leaves: Readonly<Record<string, keyof typeof endpoints>> = {
  'chat.completions.create': 'chat.completions',
  'chat.completions.parse': 'chat.completions',
  'completions.create': 'completions',
  'embeddings.create': 'embeddings',
  'responses.create': 'responses',
  'responses.parse': 'responses',
}

// Of the process: a response created through one metered client may be asked for through another.
const background = new BackgroundResponses()

/** Said once: an application that uses them would hear nothing else. */
const reportedPaths = new Set<string>()

interface RequestOptions {
  readonly method?: string
  readonly path?: string
  readonly body?: unknown
}

/** Observes the requests of one metered client. */
export class OpenAIObservation {
  readonly #observer: CallObserver
  readonly #options: ClientOptions

  constructor(observer: CallObserver, options: ClientOptions) {
    this.#observer = observer
    this.#options = options
  }

  /** A request at `post`, `get` or `request`, whose options may be a promise (always in SDK 7). */
  request(
    client: OpenAIClient,
    method: string,
    original: (...args: unknown[]) => unknown,
    args: unknown[],
  ): unknown {
    const isWhole = method === 'request'
    const [path, ...rest] = isWhole ? [undefined, ...args] : args
    const route = (options: RequestOptions | undefined): Route | undefined =>
      isWhole
        ? routeOf(String(options?.method).toLowerCase(), String(options?.path), client.baseURL)
        : routeOf(method, String(path), client.baseURL)
    const isLater = isWhole && isPromise(rest[0])
    const known = isLater ? undefined : route(rest[0] as RequestOptions | undefined)
    if (known?.kind === 'unmetered') this.#reportUnmetered(String(path ?? 'a request'))
    if (!isLater && (known === undefined || known.kind === 'unmetered')) {
      return Reflect.apply(original, client, args)
    }
    // Before the request starts: its options may only be known afterwards.
    if (isLater || known?.kind.includes('completions')) this.#guarded(() => hookRequests(client))

    let observed: ObservedCall | undefined
    const prepare = (options: RequestOptions | undefined): RequestOptions | undefined => {
      const asked = known ?? route(options)
      if (asked === undefined || asked.kind === 'unmetered') return options
      observed = this.#begin(client, options?.method ?? method, asked, options)
      return observed === undefined ? options : this.#askingForUsage(client, observed, options)
    }
    const options = prepareOptions(rest[0] as RequestOptions | undefined, prepare)
    const newArgs = isWhole ? [options, ...rest.slice(1)] : [path, options, ...rest.slice(1)]
    return observeCall(Reflect.apply(original, client, newArgs), () => observed)
  }

  /** A call of a function that stands in for one of the SDK's own. */
  leaf(client: OpenAIClient, path: string, [body]: unknown[]): CurrentCall | undefined {
    const kind = leaves[path]
    const endpoint = kind === undefined ? undefined : endpoints[kind]
    if (endpoint === undefined) return undefined
    const call = this.#call(client, endpoint.name, 'POST', body)
    const observed = this.#guarded(() => this.#observer.begin(call, endpoint))
    return () => observed
  }

  #begin(
    client: OpenAIClient,
    verb: string,
    route: Exclude<Route, { kind: 'unmetered' }>,
    options: RequestOptions | undefined,
  ): ObservedCall | undefined {
    return this.#guarded(() => {
      if (route.kind === 'response-again') return this.#askAgain(client, verb, route.responseId)
      const call = this.#call(client, route.kind, verb, options?.body)
      let observed: ObservedCall | undefined
      const endpoint =
        route.kind === 'responses' && call.body.background === true
          ? responsesEndpoint(background.created(() => observed))
          : (endpoints[route.kind] as Endpoint)
      observed = this.#observer.begin(call, endpoint)
      return observed
    })
  }

  #askAgain(client: OpenAIClient, verb: string, responseId: string): ObservedCall {
    const call = this.#call(client, 'responses', verb, undefined)
    const endpoint = responsesEndpoint(background.askedAgain(responseId))
    return (
      background.creatorOf(responseId)?.again(call, endpoint) ??
      this.#observer.begin(call, endpoint, { free: true })
    )
  }

  #askingForUsage(
    client: OpenAIClient,
    { call }: ObservedCall,
    options: RequestOptions | undefined,
  ): RequestOptions | undefined {
    const { baseURL, apiVersion } = client as OpenAIClient & { apiVersion?: string }
    const { includeUsage } = this.#options
    return (
      this.#guarded(() => {
        const request = usageRequest({ call, baseUrl: baseURL, apiVersion, includeUsage })
        if (request === undefined || options === undefined) return options
        return withUsageRequest(options, request)
      }) ?? options
    )
  }

  #call(client: OpenAIClient, endpoint: string, method: string, body: unknown): Call {
    // Azure's class says what a host behind a company proxy does not.
    const fallback = 'apiVersion' in client ? 'azure' : 'openai'
    return {
      provider: this.#options.provider ?? providerName(client.baseURL, fallback),
      endpoint,
      method: method.toUpperCase(),
      body: typeof body === 'object' && body !== null ? (body as Call['body']) : {},
    }
  }

  #reportUnmetered(path: string): void {
    if (reportedPaths.has(path)) return
    reportedPaths.add(path)
    this.#observer.fault(`calls of ${path} work, but are not metered yet: record() their usage`)
  }

  /** Nothing of the meter reaches the call, but the refusal that the application asked for. */
  #guarded<Value>(work: () => Value): Value | undefined {
    try {
      return work()
    } catch (error) {
      if (error instanceof MissingCustomerError) throw error
      this.#observer.fault('a call could not be observed', error)
      return undefined
    }
  }
}
