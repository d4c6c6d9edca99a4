import { relativeRoutes } from './relative-routes.ts'
import { again, type Pattern, type Route, started, unmetered } from './route.ts'

const oneShots: Readonly<Record<string, Route>> = {
  '/chat/completions': { kind: 'chat.completions' },
  '/completions': { kind: 'completions' },
  '/embeddings': { kind: 'embeddings' },
  '/responses': { kind: 'responses' },
  '/responses/compact': { kind: 'responses.compact' },
  '/images/generations': { kind: 'images.generations' },
  '/images/edits': { kind: 'images.edits' },
  '/images/variations': { kind: 'images.variations' },
  '/audio/transcriptions': { kind: 'audio.transcriptions' },
  '/audio/translations': { kind: 'audio.translations' },
  '/audio/speech': { kind: 'audio.speech' },
  '/decisions': { kind: 'decisions' },
  '/fine_tuning/alpha/graders/run': { kind: 'graders' },
}

const agents = unmetered(
  'agent sessions',
  'their turns name no model, and count the root agent alone, at best effort',
)

const patterns: readonly Pattern[] = [
  ['get', /^\/responses\/([^/]+)$/, (responseId) => ({ kind: 'response-again', responseId })],
  [
    'post',
    /^\/responses\/([^/]+)\/cancel$/,
    (responseId) => ({ kind: 'response-again', responseId }),
  ],
  ['post', /^\/batches$/, started('batches')],
  ['get', /^\/batches\/([^/]+)$/, again('batches')],
  ['post', /^\/batches\/([^/]+)\/cancel$/, again('batches')],
  ['post', /^\/threads\/(?:[^/]+\/)?runs$/, started('threads.runs')],
  ['get', /^\/threads\/[^/]+\/runs\/([^/]+)$/, again('threads.runs')],
  [
    'post',
    /^\/threads\/[^/]+\/runs\/([^/]+)\/(?:cancel|submit_tool_outputs)$/,
    again('threads.runs'),
  ],
  ['post', /^\/evals\/[^/]+\/runs$/, started('evals.runs')],
  ['get', /^\/evals\/[^/]+\/runs\/([^/]+)$/, again('evals.runs')],
  // Cancels it, in later and in earlier majors.
  ['post', /^\/evals\/[^/]+\/runs\/([^/]+)(?:\/cancel)?$/, again('evals.runs')],
  ['post', /^\/videos(?:\/edits|\/extensions|\/[^/]+\/remix)?$/, started('videos')],
  ['get', /^\/videos\/([^/]+)$/, again('videos')],
  ['post', /^\/agents\/sessions(?:\/[^/]+\/events)?$/, agents],
  ['post', /^\/agents\/automations\/[^/]+\/invocations$/, agents],
  [
    'post',
    /^\/fine_tuning\/jobs$/,
    unmetered('fine-tuning jobs', 'training has a price of its own, by trained_tokens'),
  ],
]

/**
 * The route of a request; `undefined` for what bills nothing. Exact paths only: retrieving,
 * listing and updating stored completions answers usage too, which was billed before.
 *
 * @param method in lower case.
 * @param baseUrl what the path stands below. Where nobody says, it is found behind any prefix.
 * @param provider the server, by its host: some have paths of their own.
 */
export function routeOf(
  method: string,
  url: string,
  baseUrl: string | undefined,
  provider?: string,
): Route | undefined {
  if (method === 'post' && Object.hasOwn(oneShots, url)) return oneShots[url]
  const paths = pathsOf(url, baseUrl)
  const relatives = provider === undefined ? undefined : relativeRoutes[provider]
  if (relatives !== undefined) {
    for (const path of paths) {
      const route = patternRoute(relatives, method, path)
      if (route !== undefined) return route === 'free' ? undefined : route
    }
  }
  const oneShot = method === 'post' && paths.find((path) => Object.hasOwn(oneShots, path))
  if (oneShot) return oneShots[oneShot]
  for (const path of paths) {
    const route = patternRoute(patterns, method, path)
    if (route !== undefined) return route === 'free' ? undefined : route
    // What stands below a path that bills nothing may end as one that does.
    if (withoutBill.test(path)) return undefined
  }
  return undefined
}

function patternRoute(
  patterns: readonly Pattern[],
  method: string,
  path: string,
): Route | 'free' | undefined {
  for (const [wanted, pattern, route] of patterns) {
    const found = wanted === method ? pattern.exec(path) : null
    if (found !== null) return route === 'free' ? route : route(decoded(found[1] ?? ''))
  }
  return undefined
}

const withoutBill =
  /^\/(?:chat\/completions\/|responses\/|(?:agents|assistants|batches|chatkit|containers|content_provenance_checks|conversations|evals|files|fine_tuning|live|models|moderations|organization|realtime|skills|threads|uploads|vaults|vector_stores|videos|webhook_endpoints)(?:\/|$))/

/**
 * True for paths without a route that bill nothing, or whose usage was billed before (stored
 * completions) or reported as unmetered.
 */
export function isWithoutBill(url: string, baseUrl: string | undefined): boolean {
  return pathsOf(url, baseUrl).some((path) => withoutBill.test(path))
}

/** The paths that a URL may mean: one below a base URL, any of its endings where there is none. */
function pathsOf(url: string, baseUrl: string | undefined): readonly string[] {
  if (latest.url !== url || latest.baseUrl !== baseUrl) {
    latest = { url, baseUrl, paths: foundPaths(url, baseUrl) }
  }
  return latest.paths
}

// An application calls few addresses, and each of them again and again.
let latest: { url: string; baseUrl: string | undefined; paths: readonly string[] } = {
  url: '',
  baseUrl: '',
  paths: ['/'],
}

function foundPaths(url: string, baseUrl: string | undefined): readonly string[] {
  if (baseUrl !== undefined) return [exactPath(url, baseUrl)]
  const whole = exactPath(url, originOf(url))
  const segments = whole.split('/').slice(1)
  return segments.map((_, index) => exactPath(`/${segments.slice(index).join('/')}`, ''))
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : ''
}

/** What stands before the path where the base URL has no version: `/openai/v1`, `/api/v1`, `/v2`. */
const leadingVersion = /^\/?(?:[\w-]+\/)?v\d\w*(?:\/openai)?(?=\/)/

/** A path as OpenAI's own SDK writes it: no base URL, version, query or Azure deployment. */
function exactPath(path: string, baseUrl: string): string {
  let exact = path.split(/[?#]/, 1)[0] ?? ''
  const base = baseUrl.replace(/\/+$/, '')
  if (exact.startsWith(base)) exact = exact.slice(base.length)
  exact = exact.replace(leadingVersion, '')
  exact = exact.replace(/^\/?(?:openai\/)?deployments\/[^/]+(?=\/)/, '')
  return `/${exact}`.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '')
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}
