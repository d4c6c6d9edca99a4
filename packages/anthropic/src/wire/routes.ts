/** What a request asks for, as far as it costs tokens. */
export type Route =
  | { readonly kind: 'messages' | 'completions' }
  | { readonly kind: 'batch-results'; readonly batchId: string }
  /** Costs tokens, and cannot be metered. */
  | { readonly kind: 'unmetered'; readonly what: string }

const messagesRoute: Route = { kind: 'messages' }
const agentWork = /^\/v1\/(?:sessions(?:\/[^/]+\/events)?|deployments(?:\/[^/]+\/run)?)$/

/** What the SDK marks the download of a batch's results with, wherever these are kept. */
interface DownloadOptions {
  readonly stream?: unknown
  readonly __binaryResponse?: unknown
}

/**
 * The route of a request; `undefined` for what bills nothing. Exact paths only: counting tokens,
 * creating, retrieving and listing batches, models and files are free.
 */
export function routeOf(
  method: string,
  path: string,
  { baseURL }: { readonly baseURL: string },
  options?: DownloadOptions,
): Route | undefined {
  if (method === 'post' && path === '/v1/messages') return messagesRoute
  const exact = exactPath(path, baseURL)
  if (method === 'get') {
    const batchId = /\/v1\/messages\/batches\/([^/]+)\/results$/.exec(exact)?.[1]
    if (batchId !== undefined) return { kind: 'batch-results', batchId }
    // The address is the server's to choose: without its query, which may be a signature, it stands
    // for the batch.
    const isResults = options?.stream === true && options.__binaryResponse === true
    return isResults ? { kind: 'batch-results', batchId: exact } : undefined
  }
  if (method !== 'post') return undefined
  if (exact === '/v1/messages') return messagesRoute
  if (exact === '/v1/complete') return { kind: 'completions' }
  // The events of a session have the tokens of each request, but not its model.
  if (agentWork.test(exact)) {
    return { kind: 'unmetered', what: 'managed agents' }
  }
  return exact === '/v1/dreams' ? { kind: 'unmetered', what: 'dreams' } : undefined
}

/** True for what creates a batch: free itself, it says of each request in it who is billed. */
export function createsBatch(
  method: string,
  path: string,
  { baseURL }: { readonly baseURL: string },
): boolean {
  if (method !== 'post' || !path.includes('/batches')) return false
  return exactPath(path, baseURL) === '/v1/messages/batches'
}

const withoutBill =
  /^\/v1\/(?:messages\/(?:batches|count_tokens)|agents|deployments|dreams|environments|files|memory_stores|models|organizations|sessions|skills|tunnels|user_profiles|vaults)(?:\/|$)/

/** True for paths without a route that bill nothing, or whose usage is reported as unmetered. */
export function isWithoutBill(path: string, { baseURL }: { readonly baseURL: string }): boolean {
  return withoutBill.test(exactPath(path, baseURL))
}

/** A path as the SDK's own methods write it: no base URL, no query. */
function exactPath(path: string, baseUrl: string): string {
  const [bare = ''] = path.split(/[?#]/, 1)
  const base = baseUrl.replace(/\/+$/, '')
  const own = bare.startsWith(base) ? bare.slice(base.length) : bare
  return `/${own}`.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '')
}
