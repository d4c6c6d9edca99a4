/** The connections to upstreams: one pool for an origin, straight or through the proxy that the environment names. */
import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'
import type { Upstream } from '../upstream.ts'

/** What is dispatched, beside the origin. */
export type UpstreamRequest = Omit<Dispatcher.DispatchOptions, 'origin' | 'headers'> & {
  /** Names and values by turns. */
  readonly headers: readonly string[]
}

export interface UpstreamPools {
  dispatch(upstream: Upstream, request: UpstreamRequest, handler: Dispatcher.DispatchHandler): void
  /** Breaks every connection. */
  destroy(): Promise<void>
}

/** @param connectMs how long a connection may take to be made, in ms. */
export function upstreamPools(connectMs: number): UpstreamPools {
  // The gateway has deadlines of its own: by default undici ends a model that thinks for five minutes.
  // What an answer costs is not lost for the cookies that come with it.
  const options = {
    maxHeaderSize: 65_536,
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
    pipelining: 1,
  }
  const connect = { timeout: connectMs }
  const tls = { requestTls: connect, proxyTls: connect }
  const proxy = namesProxy() ? new EnvHttpProxyAgent({ ...options, ...tls, connect }) : undefined
  const pools = new Map<string, Pool>()
  const poolOf = (origin: string): Pool => {
    let pool = pools.get(origin)
    if (pool === undefined) pools.set(origin, (pool = new Pool(origin, { ...options, connect })))
    return pool
  }
  return {
    dispatch(upstream, { headers, ...request }, handler) {
      const origin = originOf(upstream)
      if (proxy === undefined) {
        poolOf(origin).dispatch({ ...request, headers: headers as string[] }, handler)
        return
      }
      const given = new ProxiedHeaders(headers, new URL(origin).host)
      proxy.dispatch({ ...request, origin, headers: given as never }, handler)
    },
    async destroy() {
      await Promise.all([proxy?.destroy(), ...[...pools.values()].map((pool) => pool.destroy())])
    },
  }
}

function namesProxy(): boolean {
  return ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'].some(
    (name) => process.env[name],
  )
}

const origins = new WeakMap<Upstream, string>()

export function originOf(upstream: Upstream): string {
  let origin = origins.get(upstream)
  if (origin === undefined) origins.set(upstream, (origin = new URL(upstream.baseUrl).origin))
  return origin
}

/**
 * Headers as an iterable of pairs: of a list, an agent for proxies makes an object, which has one value for a name
 * and an order of its own.
 */
class ProxiedHeaders {
  readonly #raw: readonly string[]
  readonly #host: string

  constructor(raw: readonly string[], host: string) {
    this.#raw = raw
    this.#host = host
  }

  /** It looks for this one before it sets it. */
  get host(): string {
    return this.#host
  }

  *[Symbol.iterator](): Generator<[string, string]> {
    yield ['host', this.#host]
    for (let index = 0; index + 1 < this.#raw.length; index += 2) {
      yield [this.#raw[index] as string, this.#raw[index + 1] as string]
    }
  }
}
