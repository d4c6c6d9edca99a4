import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Meter, observing, settledWithin } from '@token-meter/core/adapter'
import { Exchange } from './exchange/exchange.ts'
import type { ExchangeSettings, RunningExchange } from './exchange/settings.ts'
import { upstreamPools } from './exchange/upstream-pools.ts'
import { openCaller } from './keys/open-caller.ts'
import { checkedOptions, type GatewayOptions } from './options.ts'
import { BytesInFlight } from './request/bytes-in-flight.ts'

/** Passes requests on to upstreams, byte for byte, and meters them. Made by `createGateway`. */
export interface Gateway extends AsyncDisposable {
  /** Serves a request of a `node:http` server. It never throws. */
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Refuses a request for a socket. It never throws. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** It takes any key, or none. */
  readonly isOpen: boolean
  /**
   * Refuses new requests, waits for those under way, and breaks the rest off; what they used until then is
   * recorded. Streams that nobody waits for end at once. The meter is closed by whoever made it.
   */
  close(options?: GatewayCloseOptions): Promise<void>
  /** What is under way. */
  stats(): GatewayStats
}

export interface GatewayCloseOptions {
  /** How long requests under way may take, in ms. @default 25_000 */
  readonly timeoutMs?: number | undefined
}

export interface GatewayStats {
  /** Requests since the gateway was made, and how many of them are under way. */
  readonly requests: number
  readonly underWay: number
  /** Bytes of bodies that are held. */
  readonly bytesInFlight: number
  /** Requests that were passed on, may cost something, and could not be metered. */
  readonly unmetered: number
}

/**
 * A gateway for callers in any language: a base URL that passes LLM calls on as they are, and meters them.
 *
 * @throws ConfigError for wrong options.
 */
export function createGateway(options: GatewayOptions): Gateway {
  const checked = checkedOptions(options)
  const pools = upstreamPools(checked.deadlines.connectMs)
  const inFlight = new BytesInFlight(checked.maxBytesInFlight)
  const running = new Set<RunningExchange>()
  let requests = 0
  let unmetered = 0
  let closing: Promise<void> | undefined

  const fault = (what: string, cause: unknown): void => {
    try {
      if (options.onError === undefined) console.warn(`token-meter gateway: ${what}`, cause)
      else options.onError(what, cause)
    } catch {
      // The application's own.
    }
  }
  const settings: ExchangeSettings = {
    ...checked,
    observe: observing(options.meter as Meter),
    pools,
    inFlight,
    keys: options.keys ?? openCaller(),
    payer: {
      chargeBy: checked.chargeBy,
      customerHeader: checked.customerHeader,
      metadataUserId: options.metadataUserId,
      attributes: options.attributes,
    },
    objects: undefined,
    usage: undefined,
    own: () => undefined,
    fault,
    log(entry) {
      if (entry.unmetered === true) unmetered++
      try {
        options.accessLog?.(entry)
      } catch (cause) {
        fault('accessLog threw', cause)
      }
    },
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    requests++
    const exchange = new Exchange(settings, request, response)
    running.add(exchange)
    void exchange.over.then(() => running.delete(exchange))
    void exchange.run(closing !== undefined)
  }

  async function end({ timeoutMs = 25_000 }: GatewayCloseOptions): Promise<void> {
    const all = [...running]
    for (const each of all) each.shutDown(false)
    const over = Promise.all(all.map((each) => each.over))
    if (!(await settledWithin(timeoutMs, over))) {
      for (const each of running) each.shutDown(true)
      await settledWithin(5000, over)
    }
    await pools.destroy()
  }

  const close = (closeOptions: GatewayCloseOptions = {}) => (closing ??= end(closeOptions))
  return {
    handle,
    upgrade: (_, socket) => refuseSocket(socket),
    isOpen: options.keys === undefined,
    close,
    stats: () => ({
      requests,
      underWay: running.size,
      bytesInFlight: inFlight.held,
      unmetered,
    }),
    [Symbol.asyncDispose]: () => close(),
  }
}

function refuseSocket(socket: Duplex): void {
  socket.on('error', () => {})
  socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
}
