/** Where requests are passed on to. Upstreams come from the configuration alone, never from a request. */

/** The API that an upstream speaks: it picks the routes without a name, the reader, and how errors look. */
export type Dialect = 'openai' | 'anthropic' | 'gemini'

/**
 * How the gateway authenticates with an upstream: by the upstream's own key in one of these headers, or
 * `caller`: the caller's own credential is passed on, and the gateway's key comes in `x-token-meter-key`.
 */
export type UpstreamAuth = 'bearer' | 'x-api-key' | 'api-key' | 'x-goog-api-key' | 'caller'

/** An upstream as it was checked. */
export interface Upstream {
  /** Its name in paths: `/{name}/...`. */
  readonly name: string
  /** Without a slash at its end. A path of it stands before each request's. */
  readonly baseUrl: string
  readonly dialect: Dialect
  readonly auth: UpstreamAuth
  /** `undefined` where `auth` is `caller`. */
  readonly apiKey: string | undefined
  /** Sent with each request, in place of the caller's of the same name. Lower-cased names. */
  readonly headers: Readonly<Record<string, string>>
  /** Who serves it, as records name it. `undefined`: who its host says. */
  readonly provider: string | undefined
}
