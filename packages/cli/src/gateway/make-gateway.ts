/** From a configuration to a gateway with all that it stands on. */
import { createWriteStream } from 'node:fs'
import { type CostCalculator, cost as costOf, type CostOptions } from '@token-meter/core/cost'
import { genaiPrices } from '@token-meter/core/genai-prices'
import { createMeter, type Meter, type Outbox, type Sink } from '@token-meter/core'
import { environmentLivemode, environmentSinks, messageOf } from '@token-meter/core/adapter'
import { anthropicProvider } from '@token-meter/anthropic'
import type { Credits, GuardOptions, Plan, PoolOptions } from '@token-meter/credits'
import {
  accessLog,
  createGateway,
  type Gateway,
  gatewayKeys,
  stripeHeaders,
} from '@token-meter/gateway'
import { googleProvider } from '@token-meter/google'
import { openaiProvider } from '@token-meter/openai'
import { stripeSink } from '@token-meter/stripe'
import { openOutbox } from '../outbox/open-outbox.ts'
import type { GatewayConfig } from './config-schema.ts'
import type { CompleteConfig } from './environment-config.ts'

export interface MadeGateway {
  readonly gateway: Gateway
  readonly meter: Meter<never>
  readonly outbox: Outbox
  readonly sinks: readonly Sink[]
  /** Ends what the gateway does not end itself, the meter last. @throws FlushError for usage that is lost with the process. */
  close(options: { readonly timeoutMs: number }): Promise<void>
}

/**
 * @param outboxName a path, `postgres://...` or `memory:`.
 * @param tell what is said to whoever starts it.
 * @throws CommandError and ConfigError for what is wrong with the configuration; OutboxError for an outbox
 * that cannot be used.
 */
export async function makeGateway(
  config: CompleteConfig,
  outboxName: string,
  tell: (line: string) => void,
): Promise<MadeGateway> {
  const outbox = await openOutbox(outboxName)
  try {
    return await madeOn(outbox, config, tell)
  } catch (error) {
    await outbox.close()
    throw error
  }
}

async function madeOn(
  outbox: Outbox,
  config: CompleteConfig,
  tell: (line: string) => void,
): Promise<MadeGateway> {
  const cost = calculator(config.cost)
  const credits = await creditsOf(config.credits, outbox, cost)
  const ofEnvironment = environmentSinks((why) =>
    tell(`${messageOf(why)}. Usage is kept until it can be delivered.`),
  )
  // In place of the Stripe sink: it also bills at the accounts whose keys callers send.
  const stripe = ofEnvironment.find(({ name }) => name === 'stripe')
  const billing = stripe && stripeHeaders({ sink: stripe, outbox, connect: stripeAccount })
  const sinks = ofEnvironment.map((sink) => (sink === stripe ? billing! : sink))
  const livemode = await livemodeOf(outbox, sinks)
  const meter = createMeter({
    providers: [openaiProvider, anthropicProvider, googleProvider],
    outbox,
    sinks,
    ...(livemode !== undefined && { livemode }),
    ...(cost !== undefined && { cost }),
    ...(credits !== undefined && { guard: credits.guard(guardOf(config.credits?.guard)) }),
    ...(config.onMissingCustomer !== undefined && { onMissingCustomer: config.onMissingCustomer }),
  }) as unknown as Meter<never>
  const isOpen = config.adminKey === undefined
  const keys = isOpen ? undefined : gatewayKeys({ outbox, shared: config.keys?.rates === 'shared' })
  const log = accessLogOf(config.accessLog)
  const { upstreams, adminKey, chargeBy, customerHeader, attributes, sharedObjects } = config
  const { basePath, maxBodyBytes, maxBytesInFlight, onClientGone, cors, timeouts } = config
  const gateway = createGateway({
    meter,
    upstreams,
    keys,
    adminKey,
    chargeBy,
    customerHeader,
    metadataUserId: pattern(config.metadataUserId),
    attributes,
    sharedObjects,
    basePath,
    maxBodyBytes,
    maxBytesInFlight,
    onClientGone,
    cors,
    timeouts,
    stripeHeaders: billing,
    accessLog: log?.write,
    // It is written to the books' store, and changes nothing that is not due.
    checks: credits === undefined ? {} : { guard: () => credits.sweep() },
  })
  return {
    gateway,
    meter,
    outbox,
    sinks,
    async close({ timeoutMs }) {
      await keys?.close()
      try {
        await meter.close({ timeoutMs })
      } finally {
        credits?.close()
        await log?.end()
      }
    },
  }
}

const stripeAccount = (apiKey: string): Sink => stripeSink({ apiKey })

function calculator(config: GatewayConfig['cost']): CostCalculator | undefined {
  if (config === false) return undefined
  const { prices = 'genai', ...rest } = config ?? {}
  const lists = [prices].flat().map((list) => (list === 'genai' ? genaiPrices() : list))
  return costOf({ ...rest, prices: lists } as CostOptions)
}

/**
 * Usage of a gateway that has no backend's key yet is test usage, as everywhere; where another process
 * delivers to a live one from the same outbox, it is live.
 */
async function livemodeOf(outbox: Outbox, sinks: readonly Sink[]): Promise<boolean | undefined> {
  if (sinks.length > 0 || environmentLivemode() !== undefined) return undefined
  return (await outbox.sinks()).some(({ mode }) => mode === 'live')
}

async function creditsOf(
  config: GatewayConfig['credits'],
  outbox: Outbox,
  cost: CostCalculator | undefined,
): Promise<Credits | undefined> {
  if (config === undefined) return undefined
  const { createCredits } = await import('@token-meter/credits')
  const { plans = [], pools = [], lowAt } = config
  const credits = createCredits({
    outbox,
    ...(cost !== undefined && { cost }),
    plans: plans as unknown as readonly Plan[],
    ...(lowAt !== undefined && { lowAt }),
    ephemeral: !outbox.durable,
  })
  for (const pool of pools) credits.pool(pool as unknown as PoolOptions)
  return credits
}

function guardOf({
  modelMaxOutput,
  ...rest
}: NonNullable<NonNullable<GatewayConfig['credits']>['guard']> = {}): GuardOptions {
  if (modelMaxOutput === undefined) return rest as GuardOptions
  const byModel = new Map(Object.entries(modelMaxOutput))
  return { ...rest, modelMaxOutput: (model: string) => byModel.get(model) } as GuardOptions
}

function pattern(source: string | undefined): RegExp | undefined {
  return source === undefined ? undefined : new RegExp(source)
}

function accessLogOf(to: GatewayConfig['accessLog'] = true) {
  if (to === false) return undefined
  if (to === true) return { write: accessLog(process.stdout), end: () => Promise.resolve() }
  const file = createWriteStream(to, { flags: 'a', mode: 0o600 })
  file.on('error', (error) =>
    process.stderr.write(`token-meter: the access log ${to}: ${error.message}\n`),
  )
  return { write: accessLog(file), end: () => new Promise<void>((resolve) => file.end(resolve)) }
}
