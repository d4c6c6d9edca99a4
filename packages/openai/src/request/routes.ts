/** What a request asks for, as far as it costs tokens. */
export type Route =
  | { readonly kind: 'chat.completions' | 'completions' | 'embeddings' | 'responses' }
  | { readonly kind: 'response-again'; readonly responseId: string }
  /** Costs tokens, and is not metered yet. */
  | { readonly kind: 'unmetered' }

const billable: Readonly<Record<string, Route>> = {
  '/chat/completions': { kind: 'chat.completions' },
  '/completions': { kind: 'completions' },
  '/embeddings': { kind: 'embeddings' },
  '/responses': { kind: 'responses' },
}

const unmetered: Route = { kind: 'unmetered' }
const unmeteredPaths =
  /^\/(?:responses\/compact|images\/[a-z]+|audio\/[a-z]+|batches|videos|decisions|threads\/runs|threads\/[^/]+\/runs)$/

/**
 * The route of a request; `undefined` for what bills nothing. Exact paths only: retrieving,
 * listing and updating stored completions answers usage too, which was billed before.
 */
export function routeOf(method: string, path: string, baseUrl: string): Route | undefined {
  if (method === 'post' && Object.hasOwn(billable, path)) return billable[path]
  const exact = exactPath(path, baseUrl)
  if (method === 'post') {
    const cancelled = /^\/responses\/([^/]+)\/cancel$/.exec(exact)?.[1]
    if (cancelled !== undefined) return { kind: 'response-again', responseId: decoded(cancelled) }
    if (Object.hasOwn(billable, exact)) return billable[exact]
    return unmeteredPaths.test(exact) ? unmetered : undefined
  }
  const retrieved = method === 'get' ? /^\/responses\/([^/]+)$/.exec(exact)?.[1] : undefined
  return retrieved === undefined
    ? undefined
    : { kind: 'response-again', responseId: decoded(retrieved) }
}

/** A path as the SDK's own methods write it: no base URL, query or Azure deployment. */
function exactPath(path: string, baseUrl: string): string {
  let exact = path.split(/[?#]/, 1)[0] ?? ''
  const base = baseUrl.replace(/\/+$/, '')
  if (exact.startsWith(base)) exact = exact.slice(base.length)
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
