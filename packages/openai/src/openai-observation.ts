import type { Call, Endpoint } from '@token-meter/core/wire'
import {
  ClientObservation,
  type CallObserver,
  type ClientOptions,
  type ObservedCall,
  type RequestOptions,
  type RoutedRequest,
} from '@token-meter/core/adapter'
import { BackgroundResponses } from './background-responses.ts'
import { endpoints, leaves } from './endpoint/endpoints.ts'
import { responsesEndpoint } from './endpoint/responses.ts'
import { askForJob, beginJob } from './jobs/job-observation.ts'
import type { OpenAIClient } from './openai-client.ts'
import { callBody } from './request/call-body.ts'
import { hookRequests, withRewrite } from './sdk/request-hooks.ts'
import { isWithoutBill, type Route, routeOf } from './request/routes.ts'
import { includeUsage } from './wire/include-usage.ts'

// Of the process: a response created through one metered client may be asked for through another.
const background = new BackgroundResponses()

/** Calls that were reported as not metered, by whatever client of the process. */
const reportedCalls = new Set<string>()

type MeteredRoute = Exclude<Route, { kind: 'unmetered' }>

/** Observes the requests of one metered client. */
export class OpenAIObservation extends ClientObservation<OpenAIClient, MeteredRoute> {
  constructor(observer: CallObserver, options: ClientOptions) {
    super(observer, options, reportedCalls)
  }

  protected routeOf(client: OpenAIClient, method: string, path: string): MeteredRoute | undefined {
    const route = routeOf(method, path, client.baseURL)
    if (route?.kind !== 'unmetered') return route
    const { calls, why } = route
    this.reportOnce(calls, `${calls} work, but are not metered (${why}): record() their usage`)
    return undefined
  }

  protected override isWithoutBill({ baseURL }: OpenAIClient, path: string): boolean {
    return isWithoutBill(path, baseURL)
  }

  protected leafEndpoint(path: string): Endpoint | undefined {
    const kind = leaves[path]
    return kind === undefined ? undefined : endpoints[kind]
  }

  /** The vendor's own classes say what a host behind a company proxy does not. */
  protected vendorOf(client: OpenAIClient): string {
    if ('apiVersion' in client) return 'azure'
    return 'bedrockTokenProvider' in client ? 'bedrock' : 'openai'
  }

  protected bodyOf(options: RequestOptions | undefined): Call['body'] {
    return callBody(options)
  }

  protected override startsLater(client: OpenAIClient, route: MeteredRoute | undefined): void {
    if (route === undefined || route.kind.includes('completions')) hookRequests(client)
  }

  protected begin(request: RoutedRequest<OpenAIClient, MeteredRoute>): ObservedCall {
    const { client, route, method, options } = request
    if (route.kind === 'response-again') return this.#askAgain(client, method, route.responseId)
    const isJob = route.kind === 'job' || route.kind === 'job-again'
    const call = this.call(client, isJob ? route.job : route.kind, method, options)
    if (route.kind === 'job') return beginJob(this.observer, call, route.job)
    if (route.kind === 'job-again') return askForJob(this.observer, call, route.job, route.jobId)
    let observed: ObservedCall | undefined
    const endpoint =
      route.kind === 'responses' && call.body.background === true
        ? responsesEndpoint(background.created(() => observed))
        : endpoints[route.kind]
    observed = this.observer.begin(call, endpoint)
    return observed
  }

  #askAgain(client: OpenAIClient, method: string, responseId: string): ObservedCall {
    const call = this.call(client, 'responses', method, undefined)
    const endpoint = responsesEndpoint(background.askedAgain(responseId))
    return (
      background.creatorOf(responseId)?.again(call, endpoint) ??
      this.observer.begin(call, endpoint, { free: true })
    )
  }

  protected override sends(
    client: OpenAIClient,
    observed: ObservedCall,
    options: RequestOptions | undefined,
  ): RequestOptions | undefined {
    const { baseURL, apiVersion } = client as OpenAIClient & { apiVersion?: string }
    const { includeUsage: wanted } = this.options
    const { endpoint, provider, body } = observed.call
    if (options === undefined || !endpoint.endsWith('completions')) return options
    const rewrite = includeUsage({
      body,
      provider,
      baseUrl: baseURL,
      apiVersion,
      includeUsage: wanted,
    })
    if (rewrite === undefined) return options
    hookRequests(client)
    observed.rewrite = rewrite
    return withRewrite(options, rewrite)
  }
}
