/** Which upstream a request goes to, and what it is for there. */
import type { HttpHeaders } from '@token-meter/core/wire'
import { GatewayRefusal } from '../refusal.ts'
import type { Dialect, Upstream } from '../upstream.ts'
import { type KnownPath, knownPath } from './known-paths.ts'
import { type QueryPair, queryPairs, queryWithout, type RequestTarget } from './request-target.ts'

/** A request on its way to an upstream. */
export interface Route extends KnownPath {
  readonly upstream: Upstream
  readonly dialect: Dialect
  /** At the upstream's origin: the path of its base URL, and what the caller wrote below it. */
  readonly path: string
  /** As the caller wrote it, but for a key. With its question mark, or empty. */
  readonly query: string
}

/** Where requests can go. */
export interface Routing {
  readonly upstreams: ReadonlyMap<string, Upstream>
  /** What the gateway stands below, without a slash at its end: empty where it has all of its host. */
  readonly basePath: string
}

/** First segments of paths without an upstream's name: no upstream can be called so. */
const bareSegments: ReadonlySet<string> = new Set([
  'chat',
  'completions',
  'embeddings',
  'responses',
  'models',
  'upload',
  'download',
  'ws',
])

/** Of Gemini: behind them is the version, which others have first. */
const geminiSegments: ReadonlySet<string> = new Set(['upload', 'download', 'ws'])

const ownSegments: ReadonlySet<string> = new Set(['health', 'metrics', 'usage', 'key'])

/** Names that no upstream can have, since paths begin with them. */
export function isReservedName(name: string): boolean {
  return bareSegments.has(name) || ownSegments.has(name) || /^v\d/.test(name)
}

/**
 * The path below the gateway's own.
 * @throws GatewayRefusal 404 for what is not below it.
 */
export function belowBasePath(path: string, basePath: string): string {
  if (basePath === '') return path
  if (path.startsWith(`${basePath}/`)) return path.slice(basePath.length)
  throw new GatewayRefusal(404, 'not_found', `this gateway answers below ${basePath}/ alone`)
}

/** True for a path that the gateway answers itself. */
export function isOwnPath(path: string): boolean {
  return ownSegments.has(firstSegment(path))
}

/**
 * @param target its path below the gateway's own.
 * @throws GatewayRefusal 404 where no upstream is of that name, or of the API that is asked.
 */
export function routeOf(
  method: string,
  target: RequestTarget,
  headers: HttpHeaders,
  { upstreams }: Pick<Routing, 'upstreams'>,
): Route {
  const { path } = target
  const name = firstSegment(path)
  const named = upstreams.get(name)
  if (named !== undefined) return routeTo(named, method, path.slice(name.length + 1) || '/', target)
  if (!bareSegments.has(name) && !/^v\d/.test(name)) {
    throw new GatewayRefusal(
      404,
      'not_found',
      `no upstream of this gateway is called "${shown(name)}"`,
    )
  }
  const isShort = bareSegments.has(name) && !geminiSegments.has(name)
  const dialect = isShort ? 'openai' : bareDialect(target, headers)
  const upstream = upstreamOf(dialect, upstreams)
  if (upstream === undefined) {
    throw new GatewayRefusal(
      404,
      'not_found',
      `no upstream of this gateway speaks ${dialect}'s API`,
    )
  }
  return routeTo(upstream, method, isShort ? `/v1${path}` : path, target)
}

/** The one of that name, else the first that speaks it. */
function upstreamOf(
  dialect: Dialect,
  upstreams: ReadonlyMap<string, Upstream>,
): Upstream | undefined {
  const named = upstreams.get(dialect)
  if (named?.dialect === dialect) return named
  for (const upstream of upstreams.values()) if (upstream.dialect === dialect) return upstream
  return undefined
}

function routeTo(upstream: Upstream, method: string, path: string, target: RequestTarget): Route {
  const base = basePathOf(upstream)
  const below = withoutVersionTwice(base, path)
  const known = knownPath(upstream.dialect, method, versionOf(base) + below)
  if (known.kind === 'inference') checkReadable(target.query)
  return {
    ...known,
    upstream,
    dialect: upstream.dialect,
    path: `${base}${below}`,
    query: queryWithout(target.query, (pair) => isLeftOut(pair, upstream)),
  }
}

const queryKeys: ReadonlySet<string> = new Set([
  'key',
  '$key',
  'api-key',
  'api_key',
  'subscription-key',
])

/** They make another request of it than the one that was looked at: its method, its headers, how its body is read. */
const overrides: ReadonlySet<string> = new Set(['_method', '$httpmethod', '$httpheaders', '$ct'])

/** Keys of the gateway, wherever they are; the caller's own where the upstream has ours; what overrides the request. */
function isLeftOut({ name, value }: QueryPair, upstream: Upstream): boolean {
  const lower = name.toLowerCase()
  if (overrides.has(lower) || /^\s*(?:bearer\s+)?tm-/i.test(value)) return true
  return upstream.auth !== 'caller' && queryKeys.has(lower)
}

/**
 * Google's system parameters can have an answer without its usage, or in what is no JSON:
 * https://docs.cloud.google.com/apis/docs/system-parameters
 * @throws GatewayRefusal 400
 */
function checkReadable(query: string): void {
  const unread = queryPairs(query).find(({ name, value }) => {
    if (/^\$?alt$/i.test(name)) return !/^(?:json(?:;.*)?|sse)$/i.test(value)
    return /^\$?(?:fields|callback)$/i.test(name)
  })
  if (unread === undefined) return
  throw new GatewayRefusal(
    400,
    'invalid_request',
    `the answer to "${shown(unread.raw)}" would not say in JSON what it used: leave it out of the query`,
  )
}

const basePaths = new WeakMap<Upstream, string>()

function basePathOf(upstream: Upstream): string {
  let base = basePaths.get(upstream)
  if (base === undefined) {
    base = new URL(upstream.baseUrl).pathname.replace(/\/+$/, '')
    basePaths.set(upstream, base)
  }
  return base
}

/** The version that a base URL ends with, as in `https://api.openai.com/v1`; empty without one. */
function versionOf(base: string): string {
  return /\/v\d\w*$/.exec(base)?.[0] ?? ''
}

function withoutVersionTwice(base: string, path: string): string {
  const version = versionOf(base)
  return version !== '' && path.startsWith(`${version}/`) ? path.slice(version.length) : path
}

/**
 * Of paths without an upstream's name: whose alone the path is, else what the headers say. Claude Code sends
 * its key as a bearer, beside `anthropic-version`.
 */
export function bareDialect({ path, query }: RequestTarget, headers: HttpHeaders): Dialect {
  if (/^\/(?:(?:upload|download)\/)?v\d+(?:alpha|beta)/.test(path)) return 'gemini'
  if (path.startsWith('/ws/google.')) return 'gemini'
  if (/^\/v1\/(?:models|publishers|projects|tunedModels)\/.*:[a-zA-Z]+$/.test(path)) return 'gemini'
  if (/^\/v1\/(?:messages|complete)(?:\/|$)/.test(path)) return 'anthropic'
  if (headers.get('x-goog-api-key') !== null) return 'gemini'
  if (query !== '' && queryPairs(query).some(({ name }) => name === 'key')) return 'gemini'
  const isAnthropic = headers.get('anthropic-version') ?? headers.get('x-api-key')
  return isAnthropic === null ? 'openai' : 'anthropic'
}

function firstSegment(path: string): string {
  const end = path.indexOf('/', 1)
  return path.slice(1, end < 0 ? undefined : end)
}

/** What a caller wrote, cut: it may be anything. */
function shown(name: string): string {
  return name.length > 40 ? `${name.slice(0, 40)}...` : name
}
