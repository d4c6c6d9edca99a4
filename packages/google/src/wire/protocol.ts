import {
  lateBody,
  requestBody,
  type Unmetered,
  type WireContext,
  type WireOperation,
  type WireProtocol,
  type WireRequest,
} from '@token-meter/core/wire'
import { batchAgain, batchCreation, batchFile } from './batches.ts'
import { generateContent } from './content.ts'
import { embedContent } from './embed.ts'
import { predictions } from './images.ts'
import { interactionAgain, interactionCreation } from './interaction-jobs.ts'
import { interactionRouteOf, isWithoutBill, type Route, routeOf } from './routes.ts'
import { videoAgain, videoCreation } from './videos.ts'

/**
 * Google's HTTP API: the Gemini API and Vertex AI, with their interactions. Recognised are its paths,
 * behind whatever host and version. Live sessions are no requests: `live` reads their messages.
 */
export const googleWire: WireProtocol = {
  name: 'google',
  open(request, context) {
    const method = request.method.toUpperCase()
    const route = routeOf(method, request.url)
    return route === undefined
      ? openInteraction(method, request, context)
      : openRoute(route, request, context)
  },
  isFree: ({ url }) => isWithoutBill(url),
}

function openRoute<Creator>(
  route: Route,
  request: WireRequest,
  context: WireContext<Creator>,
): WireOperation<Creator> | Unmetered | undefined {
  switch (route.kind) {
    case 'unmetered':
      return unmetered(route.what)
    case 'video-again':
      return videoAgain(context)
    case 'batch-again':
      return batchAgain(context)
    case 'file':
      return batchFile(route.name, context)
  }
  const known = route.model === undefined ? {} : { model: route.model }
  const body = lateBody(request.body, known)
  switch (route.kind) {
    case 'video':
      return videoCreation(body, context)
    case 'batch':
      return batchCreation(body, context)
    case 'predict':
      return { endpoint: predictions(body), body }
    case 'embedContent':
      return { endpoint: embedContent, body }
    case 'generateContent':
      return { endpoint: generateContent, body }
  }
}

function openInteraction<Creator>(
  method: string,
  request: WireRequest,
  context: WireContext<Creator>,
): WireOperation<Creator> | Unmetered | undefined {
  const route = interactionRouteOf(method, request.url)
  if (route === undefined) return undefined
  if (route.kind === 'unmetered') return unmetered(route.what)
  if (route.kind === 'again') return interactionAgain(route.id, context)
  return interactionCreation(requestBody(request.body), context)
}

function unmetered(what: string): Unmetered {
  return { unmetered: `${what} work, but are not metered: record() their usage` }
}
