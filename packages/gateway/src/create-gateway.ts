import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Meter, observing, settledWithin } from '@token-meter/core/adapter'
import { Exchange } from './exchange/exchange.ts'
import { checkReaders } from './exchange/metering.ts'
import type { ExchangeSettings, RunningExchange } from './exchange/settings.ts'
import { upstreamPools } from './exchange/upstream-pools.ts'
import type { CallerKeys } from './caller.ts'
import { adminApi } from './keys/admin/admin-api.ts'
import { type GatewayKeys, gatewayKeys } from './keys/gateway-keys.ts'
import { openCaller } from './keys/open-caller.ts'
import { ownedObjects } from './objects/kept-objects.ts'
import { usageApi } from './objects/usage-api.ts'
import { usageLookup } from './objects/usage-lookup.ts'
import { listen, type ListeningGateway, type ListenOptions } from './operation/listen.ts'
import type { Gauges } from './operation/metrics.ts'
import { withoutSecrets } from './operation/without-secrets.ts'
import { Operation } from './operation/operation.ts'
import { checkedOptions, type GatewayOptions } from './options.ts'
import { BytesInFlight } from './request/bytes-in-flight.ts'
import { SocketExchange } from './socket/socket-exchange.ts'

/** Passes requests on to upstreams, byte for byte, and meters them. Made by `createGateway`. */
export interface Gateway extends AsyncDisposable {
  /** Serves a request of a `node:http` server. It never throws. */
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Serves a request for a WebSocket: `server.on('upgrade', gateway.upgrade)`. It never throws. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /**
   * Serves by a `node:http` server of its own.
   * @throws ConfigError for a wrong option, and for an address beyond loopback where any key is taken; what Node
   * says where the address cannot be had.
   */
  listen(options?: ListenOptions): Promise<ListeningGateway>
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
  /** Of these, how many have credit held for them. */
  readonly held: number
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
  const meter = options.meter as Meter
  const observe = observing(meter)
  checkReaders(observe, checked.upstreams.values())
  const pools = upstreamPools(checked.deadlines.connectMs)
  const inFlight = new BytesInFlight(checked.maxBytesInFlight)
  const running = new Set<RunningExchange>()
  const counts = { requests: 0, unmetered: 0 }
  let closing: Promise<void> | undefined

  const fault = (what: string, cause: unknown): void => {
    try {
      if (options.onError === undefined) console.warn(`token-meter gateway: ${what}`, cause)
      else options.onError(what, cause)
    } catch {
      // The application's own.
    }
  }
  const { callers, own: ownKeys, admin } = keysOf(options, meter, fault)
  const stats = (): GatewayStats => ({
    ...counts,
    underWay: running.size,
    held: [...running].filter(({ call }) => (call?.guardHoldIds?.length ?? 0) > 0).length,
    bytesInFlight: inFlight.held,
  })
  const operation = new Operation({
    meter,
    adminKey: options.adminKey,
    checks: options.checks ?? {},
    gauges: () => ({ ...gaugesOf(stats()), ...stripeGauges(options.stripeHeaders) }),
    report: (check, cause) => fault(`it is not ready: ${check}`, cause),
  })
  const usage = usageLookup({
    outbox: meter.outbox,
    chargeBy: checked.chargeBy,
    onError: (cause) => fault('which usage is of a request could not be kept', cause),
  })
  const askUsage = usageApi(usage, { keys: callers, adminKey: options.adminKey })
  const clean = withoutSecrets([
    options.adminKey,
    ...[...checked.upstreams.values()].map(({ apiKey }) => apiKey),
  ])
  const settings: ExchangeSettings = {
    ...checked,
    observe,
    pools,
    inFlight,
    keys: callers,
    payer: {
      chargeBy: checked.chargeBy,
      customerHeader: checked.customerHeader,
      metadataUserId: options.metadataUserId,
      attributes: options.attributes,
    },
    objects: ownedObjects({
      outbox: meter.outbox,
      shared: options.sharedObjects ?? [],
      onError: (cause) => fault('whose something is could not be kept', cause),
    }),
    usage,
    stripeHeaders: options.stripeHeaders,
    own: {
      answer: (path, request, response) => operation.answer(path, request, response),
      ask: (request) => admin?.(request) ?? askUsage(request),
    },
    fault,
    log(told) {
      const entry = clean(told)
      if (entry.unmetered === true) counts.unmetered++
      operation.observe(entry)
      try {
        options.accessLog?.(entry)
      } catch (cause) {
        fault('accessLog threw', cause)
      }
    },
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    follow(new Exchange(settings, request, response))
  }

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    follow(new SocketExchange(settings, request, socket, head))
  }

  function follow(exchange: Exchange | SocketExchange): void {
    counts.requests++
    running.add(exchange)
    void exchange.over.then(() => running.delete(exchange))
    void exchange.run(closing !== undefined)
  }

  async function end({ timeoutMs = 25_000 }: GatewayCloseOptions): Promise<void> {
    operation.turnOff()
    const all = [...running]
    for (const each of all) each.shutDown(false)
    const over = Promise.all(all.map((each) => each.over))
    if (!(await settledWithin(timeoutMs, over))) {
      for (const each of running) each.shutDown(true)
      await settledWithin(5000, over)
    }
    operation.close()
    await pools.destroy()
    await ownKeys?.close()
  }

  const close = (closeOptions: GatewayCloseOptions = {}) => (closing ??= end(closeOptions))
  const isOpen = callers === open
  return {
    handle,
    upgrade,
    listen: (listenOptions) =>
      listen({ handle, upgrade, isOpen, close, turnOff: () => operation.turnOff() }, listenOptions),
    isOpen,
    close,
    stats,
    [Symbol.asyncDispose]: () => close(),
  }
}

const open = openCaller()

interface KeysOfGateway {
  readonly callers: CallerKeys
  /** Those that the gateway has made itself, and ends. */
  readonly own: GatewayKeys | undefined
  readonly admin: ReturnType<typeof adminApi> | undefined
}

function keysOf(
  { keys, adminKey }: GatewayOptions,
  meter: Meter,
  fault: (what: string, cause: unknown) => void,
): KeysOfGateway {
  const onError = (cause: unknown) => fault('a key could not be read, or counted', cause)
  const own =
    keys === undefined && adminKey !== undefined
      ? gatewayKeys({ outbox: meter.outbox, onError })
      : undefined
  const callers = keys ?? own ?? open
  const isManaged = adminKey !== undefined && 'generate' in callers
  const admin = isManaged ? adminApi(callers as GatewayKeys, adminKey, { onError }) : undefined
  return { callers, own, admin }
}

/** Of usage that came with Stripe's headers. */
function stripeGauges(sink: GatewayOptions['stripeHeaders']): Gauges {
  if (sink === undefined) return {}
  const { billed, failed, incomplete, withoutSecret, notWhole } = sink.headerStats()
  const help = 'Records that came with the headers of Stripe,'
  return {
    stripe_meter_billed_total: { help: `${help} billed at their accounts.`, value: billed },
    stripe_meter_failed_total: { help: `${help} that could not be, at an attempt.`, value: failed },
    stripe_meter_incomplete_total: { help: `${help} one of two alone.`, value: incomplete },
    stripe_meter_without_secret_total: {
      help: `${help} without a secret to seal the key under.`,
      value: withoutSecret,
    },
    stripe_meter_not_whole_total: { help: `${help} cut off, or estimated.`, value: notWhole },
  }
}

function gaugesOf({ underWay, held, bytesInFlight }: GatewayStats) {
  return {
    holds: { help: 'Requests that are not over and have credit held for them.', value: held },
    requests_under_way: { help: 'Requests that are not over.', value: underWay },
    body_bytes_held: { help: 'Bytes of bodies of requests that are held.', value: bytesInFlight },
  }
}
