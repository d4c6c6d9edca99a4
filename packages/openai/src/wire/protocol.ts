import {
  type Call,
  type Endpoint,
  requestBody,
  type WireContext,
  type WireOperation,
  type WireProtocol,
  type WireRequest,
} from '@token-meter/core/wire'
import { speech, transcriptions } from './audio.ts'
import { chatCompletions, legacyCompletions } from './chat-completions.ts'
import { images } from './images.ts'
import { includeUsage } from './include-usage.ts'
import { backgroundAgain, backgroundCreation } from './jobs/background-responses.ts'
import { jobAgain, jobCreation } from './jobs/jobs.ts'
import { decisions, embeddings, graders } from './other-endpoints.ts'
import { responsesEndpoint } from './responses.ts'
import { isWithoutBill, type OneShot, type Route, routeOf } from './routes.ts'

/** How each endpoint is read whose own answer says what it used. */
export const endpoints: Readonly<Record<OneShot, Endpoint>> = {
  'chat.completions': chatCompletions,
  completions: legacyCompletions,
  embeddings,
  responses: responsesEndpoint(),
  'responses.compact': responsesEndpoint(undefined, 'responses.compact'),
  'images.generations': images('images.generations'),
  'images.edits': images('images.edits'),
  'images.variations': images('images.variations'),
  'audio.transcriptions': transcriptions('audio.transcriptions'),
  'audio.translations': transcriptions('audio.translations'),
  'audio.speech': speech,
  decisions,
  graders,
}

/**
 * OpenAI's HTTP API, and whatever speaks it: Azure, Groq, DeepSeek, xAI, gateways, local servers.
 * Recognised are its paths, below whatever base URL, version or Azure deployment.
 */
export const openaiWire: WireProtocol = {
  name: 'openai',
  open(request, context) {
    const route = routeOf(request.method.toLowerCase(), request.url, context.baseUrl)
    if (route === undefined) return undefined
    if (route.kind !== 'unmetered') return operation(route, request, context)
    const { calls, why } = route
    return { unmetered: `${calls} work, but are not metered (${why}): record() their usage` }
  },
  isFree: ({ url }, baseUrl) => isWithoutBill(url, baseUrl),
}

function operation<Creator>(
  route: Exclude<Route, { kind: 'unmetered' }>,
  request: WireRequest,
  context: WireContext<Creator>,
): WireOperation<Creator> {
  // The request for a response asks with its address alone.
  if (route.kind === 'response-again') return backgroundAgain(route.responseId, context)
  const body = requestBody(request.body)
  switch (route.kind) {
    case 'job':
      return jobCreation(route.job, body, context)
    case 'job-again':
      return jobAgain(route.job, route.jobId, body, context)
    case 'responses':
      if (body.background === true) return backgroundCreation(body, context)
      return { endpoint: endpoints.responses, body }
    case 'chat.completions':
    case 'completions':
      return { endpoint: endpoints[route.kind], body, rewrite: rewriteOf(body, request, context) }
    default:
      return { endpoint: endpoints[route.kind], body }
  }
}

function rewriteOf(body: Call['body'], { url }: WireRequest, context: WireContext) {
  if (body.stream !== true) return undefined
  const { provider, baseUrl = url.split('?', 1)[0] as string } = context
  const { includeUsage: wanted, apiVersion = apiVersionIn(url) } = context
  return includeUsage({ body, provider, baseUrl, apiVersion, includeUsage: wanted })
}

function apiVersionIn(url: string): string | undefined {
  return /[?&]api-version=([^&#]+)/.exec(url)?.[1]
}
