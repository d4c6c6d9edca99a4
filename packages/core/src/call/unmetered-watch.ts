/**
 * Names the hosts of model providers that this process calls past its meters. Node tells on channels of
 * `diagnostics_channel` that a request is made; what a meter sends is marked by the asynchronous context
 * that it is sent in, in whatever copy of this package, and only while somebody watches.
 */
import type { AsyncLocalStorage } from 'node:async_hooks'
import type * as Channels from 'node:diagnostics_channel'
import { handleRejection } from '../lib/promises.ts'
import { checkKeys, isFunction, optionCheck } from '../errors/option-check.ts'
import { asyncStorage, builtInModule } from '../lib/runtime.ts'
import { knownProvider, protocolOfProvider } from '../usage/provider-name.ts'
import type { WireProtocol } from '../wire/protocol.ts'
import { canBeSeenTwice } from './answer-scope.ts'
import { pathPattern } from './unknown-usage.ts'

/** A host of a model provider that was called past the meter. */
export interface UnmeteredHost {
  /** `api.openai.com`; with its port where that is no usual one. */
  readonly host: string
  /** Who serves it: `openai`, `bedrock`, ... */
  readonly provider: string
  /** The path of the first call, without ids and query: `/v1/chat/completions`. */
  readonly path: string
  /** Calls so far, attempts that failed among them. */
  readonly count: number
}

/** What a watch can be told. */
export interface UnmeteredWatchOptions {
  /**
   * Providers that know what costs nothing: `[openaiProvider]`. Of hosts whose API none of them knows,
   * calls that are free everywhere (counting tokens, moderation, files) are left out all the same.
   * @default none
   */
  readonly providers?: readonly { readonly protocols?: readonly WireProtocol[] | undefined }[]
}

/** A watch that is on. */
export interface UnmeteredWatch extends Disposable {
  /** What was called past the meter so far. */
  readonly hosts: readonly UnmeteredHost[]
  /**
   * What this runtime shows of its requests: those by `fetch`, those by `node:http` and `node:https`, and
   * those by `node:http2`, as the AWS SDK makes them (from Node 22.17 and 24.2 on). All are false where the
   * watch sees nothing, as in Bun, Deno and edge runtimes.
   */
  readonly sees: { readonly fetch: boolean; readonly http: boolean; readonly http2: boolean }
  /** Ends it. */
  stop(): void
}

// For the whole process, also across copies of this package.
const key = Symbol.for('token-meter.unmetered-watches')
const shared = globalThis as { [key]?: number }

interface Sending {
  /** The call that is sent is metered, and its meter has found out who pays. */
  readonly isPaid: boolean
}

const storage = (): AsyncLocalStorage<Sending> | null =>
  asyncStorage<Sending>('token-meter.metered-request')

const [paid, unpaid]: readonly [Sending, Sending] = [{ isPaid: true }, { isPaid: false }]

/**
 * Runs what sends the requests of a metered client, so that no watch takes them for unmetered ones, and no
 * metered `fetch` inside refuses them for want of a customer.
 *
 * @param isPaid false where the client knows no call in it, which is sent as it came.
 */
export function asMetered<Result>(send: () => Result, isPaid = true): Result {
  const marks = shared[key] || canBeSeenTwice() ? storage() : null
  return marks === null ? send() : marks.run(isPaid ? paid : unpaid, send)
}

/** True in what a metered call sends: who pays has been found out, or was refused, around it. */
export function isPaidAround(): boolean {
  return storage()?.getStore()?.isPaid === true
}

/**
 * Watches the process for calls to hosts of model providers that no meter sees: made by a client that was
 * not wrapped, by a framework with a client of its own, by a `fetch` past `meter.fetch`. Only the
 * method and the address of a request are looked at, never its headers or its body. Opt-in: while it is on,
 * each request of the process costs about a microsecond; off, nothing.
 *
 * Calls count that can cost something: `POST`s, but those that are known to be free. What child processes,
 * WebSockets and other threads do is not seen.
 *
 * @param listener is called at the first call to each host.
 * @throws ConfigError for a listener that is no function, and for an option that there is not.
 */
export function watchUnmetered(
  listener: (host: UnmeteredHost) => void,
  options: UnmeteredWatchOptions = {},
): UnmeteredWatch {
  const check = optionCheck('watchUnmetered')
  const listens = 'a function, such as ({ host }) => console.warn(host)'
  check('the listener', listener, listens, isFunction)
  checkKeys<UnmeteredWatchOptions>('watchUnmetered', options, { providers: true })
  const { providers = [] } = options
  check('providers', providers, 'a list of providers, such as [openaiProvider]', Array.isArray)
  const channels = nodeChannels()
  const protocols = providers.flatMap((provider) => provider.protocols ?? [])
  const hosts = new Map<string, { host: string; provider: string; path: string; count: number }>()

  const see = (method: unknown, address: () => string): void => {
    try {
      if (String(method).toUpperCase() !== 'POST' || storage()?.getStore() !== undefined) return
      const url = address()
      const provider = knownProvider(url)
      if (provider === undefined || isFree(protocols, provider, url)) return
      const { host, pathname } = new URL(url)
      const found = hosts.get(host)
      if (found !== undefined) found.count++
      else {
        const first = { host, provider, path: pathPattern(pathname), count: 1 }
        hosts.set(host, first)
        handleRejection(listener({ ...first }))
      }
    } catch {
      // It runs inside of the request, which nothing of it may reach.
    }
  }
  const subscriptions: readonly (readonly [string, (message: unknown) => void])[] = [
    [
      'undici:request:create',
      (message) => {
        const { request } = message as UndiciCreated
        see(request.method, () => `${request.origin}${request.path}`)
      },
    ],
    [
      'http.client.request.start',
      (message) => {
        const { request } = message as HttpStarted
        const address = () => {
          const { protocol, path } = request
          return `${protocol}//${String(request.getHeader('host') ?? request.host)}${path}`
        }
        see(request.method, address)
      },
    ],
    [
      'http2.client.stream.start',
      (message) => {
        const { headers } = message as StreamStarted
        const scheme = headers[':scheme'] ?? 'https'
        see(headers[':method'], () => `${scheme}://${headers[':authority']}${headers[':path']}`)
      },
    ],
  ]
  for (const [name, listen] of subscriptions) channels?.subscribe(name, listen)
  if (channels !== undefined) shared[key] = (shared[key] ?? 0) + 1
  let isOn = channels !== undefined
  const stop = (): void => {
    if (!isOn) return
    isOn = false
    shared[key] = (shared[key] ?? 1) - 1
    for (const [name, listen] of subscriptions) channels?.unsubscribe(name, listen)
  }
  const isSeen = channels !== undefined
  return {
    get hosts() {
      return [...hosts.values()].map((each) => ({ ...each }))
    },
    sees: { fetch: isSeen, http: isSeen, http2: isSeen && showsHttp2() },
    stop,
    [Symbol.dispose]: stop,
  }
}

interface UndiciCreated {
  readonly request: { readonly method: string; readonly origin: unknown; readonly path: string }
}

interface HttpStarted {
  readonly request: {
    readonly method: string
    readonly protocol: string
    readonly host: string
    readonly path: string
    getHeader(name: string): unknown
  }
}

interface StreamStarted {
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** Those of Node, which publishes on them: other runtimes have the module alone. */
function nodeChannels(): Pick<typeof Channels, 'subscribe' | 'unsubscribe'> | undefined {
  const versions = globalThis.process?.versions
  if (versions?.node === undefined || 'bun' in versions || 'deno' in versions) return undefined
  return storage() === null ? undefined : builtInModule('node:diagnostics_channel')
}

function showsHttp2(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 2) || (major === 22 && minor >= 17)
}

/** What asks a model for nothing, at whichever provider. */
const freeEverywhere =
  /(?:count[_-]?tokens|tokenize|moderations?|compute[_-]?tokens)$|\/(?:files|uploads|models)(?:\/?$|\/[^/:]+$)|\/cancel$/i

function isFree(protocols: readonly WireProtocol[], provider: string, url: string): boolean {
  const { pathname } = new URL(url)
  if (freeEverywhere.test(pathname)) return true
  const own = protocolOfProvider(provider)
  const request = { method: 'POST', url, headers: undefined, body: undefined }
  return protocols.some(
    ({ name, isFree: isFreeOf }) => name === own && isFreeOf?.(request, undefined) === true,
  )
}
