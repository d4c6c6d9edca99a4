/** The options of one upstream, and their checks. */
import { checkKeys, ConfigError, isOneOf, isText, optionCheck } from '@token-meter/core/adapter'
import { isReservedName } from './route/route.ts'
import type { Dialect, Upstream, UpstreamAuth } from './upstream.ts'

/** Where requests can be passed on to. */
export interface UpstreamOptions {
  /**
   * What the paths of requests are put behind, `http` or `https`, such as `https://api.openai.com`. Where it
   * ends with a version (`/v1`), a request whose path begins with the same has it once.
   */
  readonly baseUrl: string
  /** The gateway's own key there. Needed, but with `auth: 'caller'`. */
  readonly apiKey?: string | undefined
  /**
   * The API that it speaks: it picks routes without a name, and how errors look.
   * @default that of its name or of its host, else `openai`
   */
  readonly dialect?: Dialect | undefined
  /**
   * The header that the gateway's key goes in; or `caller`: the caller's own credential is passed on, and the key
   * of the gateway comes in `x-token-meter-key`.
   * @default as the API has it: `x-api-key` of Anthropic, `x-goog-api-key` of Gemini, `api-key` at hosts of
   * Azure, else `bearer`
   */
  readonly auth?: UpstreamAuth | undefined
  /** Headers of each request, in place of the caller's of the same name: at most 50. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Who serves it, as records name it. @default who its host says */
  readonly provider?: string | undefined
}

const dialects = ['openai', 'anthropic', 'gemini'] as const
const auths = ['bearer', 'x-api-key', 'api-key', 'x-goog-api-key', 'caller'] as const

/** @throws ConfigError that names the upstream, and the option. */
export function checkedUpstream(name: string, given: UpstreamOptions): Upstream {
  const owner = `createGateway: upstreams.${name}`
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(name)) {
    throw new ConfigError(`${owner}: a name has lower-case letters, digits, "-" and "_" alone`)
  }
  if (isReservedName(name)) {
    throw new ConfigError(`${owner}: paths of the gateway begin with this name, call it otherwise`)
  }
  checkKeys(owner, given, {
    baseUrl: true,
    apiKey: true,
    dialect: true,
    auth: true,
    headers: true,
    provider: true,
  })
  const check = optionCheck(owner)
  check('baseUrl', given.baseUrl, 'an address such as https://api.openai.com', isBaseUrl)
  check(
    'dialect',
    given.dialect,
    dialects.map((each) => `'${each}'`).join(', '),
    isOneOf(undefined, ...dialects),
  )
  check(
    'auth',
    given.auth,
    auths.map((each) => `'${each}'`).join(', '),
    isOneOf(undefined, ...auths),
  )
  check('apiKey', given.apiKey, 'a key', isLeftOutOr(isKey))
  check('provider', given.provider, 'a name', isLeftOutOr(isText))
  const { hostname } = new URL(given.baseUrl)
  const dialect = given.dialect ?? dialectOf(name, hostname)
  const auth = given.auth ?? authOf(dialect, hostname)
  if ((auth === 'caller') !== (given.apiKey === undefined)) {
    throw new ConfigError(
      auth === 'caller'
        ? `${owner}: with auth 'caller' the callers have credentials of their own, leave apiKey out`
        : `${owner}: apiKey is missing, or auth must be 'caller'`,
    )
  }
  return {
    name,
    baseUrl: given.baseUrl.replace(/\/+$/, ''),
    dialect,
    auth,
    apiKey: given.apiKey,
    headers: checkedHeaders(owner, given.headers),
    provider: given.provider,
  }
}

function isBaseUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, username, password, search, hash } = new URL(value)
  const isHttp = protocol === 'https:' || protocol === 'http:'
  return isHttp && username === '' && password === '' && search === '' && hash === ''
}

/** What can stand in a header. */
const isKey = (value: unknown): boolean => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)

function dialectOf(name: string, hostname: string): Dialect {
  if (name === 'anthropic' || hostname.endsWith('anthropic.com')) return 'anthropic'
  const isGoogle = /(?:generativelanguage|aiplatform)\.(?:[a-z]+\.rep\.)?googleapis\.com$/.test(
    hostname,
  )
  return name === 'gemini' || isGoogle ? 'gemini' : 'openai'
}

function authOf(dialect: Dialect, hostname: string): UpstreamAuth {
  if (dialect === 'anthropic') return 'x-api-key'
  if (dialect === 'gemini') return 'x-goog-api-key'
  return /\.azure\.com$|\.azure-api\.net$/.test(hostname) ? 'api-key' : 'bearer'
}

/** Of the message itself, which a fixed value would break. */
const notFixed: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function checkedHeaders(
  owner: string,
  headers: UpstreamOptions['headers'] = {},
): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  )
  for (const [name, value] of entries) {
    const isRight = /^[\w!#$%&'*+.^`|~-]+$/.test(name) && !notFixed.has(name)
    if (!isRight) throw new ConfigError(`${owner}: headers cannot have "${name}"`)
    if (typeof value !== 'string' || !/^[\t\x20-\x7e]*$/.test(value)) {
      throw new ConfigError(`${owner}: headers.${name} must be a text of printable ASCII`)
    }
  }
  if (entries.length > 50) throw new ConfigError(`${owner}: there are more than 50 headers`)
  return Object.fromEntries(entries)
}

function isLeftOutOr(isRight: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => value === undefined || isRight(value)
}
