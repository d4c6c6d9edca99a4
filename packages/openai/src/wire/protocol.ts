import {
  type Call,
  type Endpoint,
  requestBody,
  type Unmetered,
  type WireContext,
  type WireOperation,
  type WireProtocol,
  type WireRequest,
} from '@token-meter/core/wire'
import { speech, transcriptions } from './audio.ts'
import { chatCompletions, legacyCompletions } from './chat-completions.ts'
import { images } from './images.ts'
import { includeUsage, isStreamed } from './include-usage.ts'
import { decisions, embeddings, graders } from './other-endpoints.ts'
import { rerank, search } from './relative-endpoints.ts'
import { responsesEndpoint } from './responses.ts'
import type { OneShot } from './route.ts'
import { isWithoutBill, routeOf } from './routes.ts'

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
  rerank,
  search,
}

/**
 * OpenAI's HTTP API, and whatever speaks it: Azure, Groq, DeepSeek, xAI, gateways, local servers.
 * Recognised are its paths, below whatever base URL, version or Azure deployment. Work that goes on
 * after its request was answered (batches, background responses, ...) is not metered by it, and said
 * to be so: `openaiJobsWire` of `@token-meter/openai/wire/jobs` is this protocol with them.
 */
export const openaiWire: WireProtocol = {
  name: 'openai',
  open(request, context) {
    const { baseUrl, provider } = context
    const route = routeOf(request.method.toLowerCase(), request.url, baseUrl, provider)
    if (route === undefined) return undefined
    switch (route.kind) {
      // Asks again for something: it bills nothing itself.
      case 'job-again':
      case 'response-again':
        return undefined
      case 'job':
        return unmetered(route.job, 'only openaiJobsWire knows when they are done')
      case 'unmetered':
        return unmetered(route.calls, route.why)
      default: {
        const body = requestBody(request.body)
        if (route.kind === 'responses' && body.background === true) {
          return unmetered('background responses', 'only openaiJobsWire knows when they are done')
        }
        return oneShot(route.kind, body, request, context)
      }
    }
  },
  isFree: ({ url }, baseUrl) => isWithoutBill(url, baseUrl),
}

/** What costs something that no answer tells for certain, as the application is told. */
export function unmetered(calls: string, why: string): Unmetered {
  return { unmetered: `${calls} work, but are not metered (${why}): record() their usage` }
}

/**
 * A request whose own answer says what it used.
 * @param body the fields of the request's body: read once, since a field may be a getter.
 */
export function oneShot(
  kind: OneShot,
  body: Call['body'],
  request: WireRequest,
  context: WireContext,
): WireOperation<never> {
  const endpoint = endpoints[kind]
  if (kind !== 'chat.completions' && kind !== 'completions') return { endpoint, body }
  return { endpoint, body, rewrite: rewriteOf(body, request, context) }
}

function rewriteOf(body: Call['body'], { url }: WireRequest, context: WireContext) {
  if (!isStreamed(body.stream)) return undefined
  const { provider, baseUrl = url.split('?', 1)[0] as string } = context
  const { includeUsage: wanted, apiVersion = apiVersionIn(url) } = context
  return includeUsage({ body, provider, baseUrl, apiVersion, includeUsage: wanted })
}

function apiVersionIn(url: string): string | undefined {
  return /[?&]api-version=([^&#]+)/.exec(url)?.[1]
}
