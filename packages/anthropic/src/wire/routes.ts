/** What a request asks for, as far as it costs tokens. */
export type Route =
  | { readonly kind: 'messages' | 'completions' }
  /** Creates a batch: free itself, it says of each request in it who is billed. */
  | { readonly kind: 'batch' }
  | { readonly kind: 'batch-results'; readonly batchId: string }
  /** Costs tokens, and cannot be metered. */
  | { readonly kind: 'unmetered'; readonly what: string }

const posts: Readonly<Record<string, Route>> = {
  '/v1/messages': { kind: 'messages' },
  '/v1/complete': { kind: 'completions' },
  '/v1/messages/batches': { kind: 'batch' },
  '/v1/dreams': { kind: 'unmetered', what: 'dreams' },
}

/** The events of a session have the tokens of each request, but not its model. */
const agentWork = /^\/v1\/(?:sessions(?:\/[^/]+\/events)?|deployments(?:\/[^/]+\/run)?)$/

/**
 * The route of a request; `undefined` for what bills nothing. Exact paths only: counting tokens,
 * retrieving and listing batches, models and files are free.
 *
 * @param baseUrl what the path stands below; where it is not known, behind whatever prefix.
 */
export function routeOf(
  method: string,
  path: string,
  baseUrl: string | undefined,
): Route | undefined {
  if (method === 'post') {
    if (Object.hasOwn(posts, path)) return posts[path]
    const exact = exactPath(path, baseUrl)
    if (Object.hasOwn(posts, exact)) return posts[exact]
    return agentWork.test(exact) ? { kind: 'unmetered', what: 'managed agents' } : undefined
  }
  if (method !== 'get') return undefined
  const results = /\/v1\/messages\/batches\/([^/]+)\/results$/.exec(exactPath(path, baseUrl))
  return results?.[1] === undefined ? undefined : { kind: 'batch-results', batchId: results[1] }
}

const withoutBill =
  /^\/v1\/(?:messages\/(?:batches|count_tokens)|agents|deployments|dreams|environments|files|memory_stores|models|organizations|sessions|skills|tunnels|user_profiles|vaults)(?:\/|$)/

/** True for paths without a route that bill nothing, or whose usage is reported as unmetered. */
export function isWithoutBill(path: string, baseUrl: string | undefined): boolean {
  return withoutBill.test(exactPath(path, baseUrl))
}

/** A path as the SDK's own methods write it: no base URL, no query. */
export function exactPath(path: string, baseUrl: string | undefined): string {
  const [bare = ''] = path.split(/[?#]/, 1)
  if (baseUrl === undefined) return bare.replace(/^.*(?=\/v1\/)/, '').replace(/(?<=.)\/$/, '')
  const base = baseUrl.replace(/\/+$/, '')
  const own = bare.startsWith(base) ? bare.slice(base.length) : bare
  return `/${own}`.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '')
}
