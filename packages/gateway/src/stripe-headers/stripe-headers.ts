/**
 * `stripe-customer-id` with `stripe-restricted-access-key`: what a request uses is billed at the account of that key,
 * to that customer, in place of the meter's own Stripe account. A record of it:
 *
 *     appended, with the sealed key beside it, in one transaction
 *       ├─ the answer was whole, and used something ──> sent by a sink of that account ──> accepted: the key goes
 *       │                                                                             └─> refused, or given up
 *       └─ cut off, estimated, unbilled; or a header was missing, or the secret ──> not sent anywhere
 *
 * That it is billed nowhere else stays known for as long as the record is kept.
 */
import {
  type BatchEntry,
  checkKeys,
  hasMethod,
  isFunction,
  isTimerMs,
  optionCheck,
  type Outbox,
  type Sink,
  type SinkResult,
  withSend,
} from '@token-meter/core/adapter'
import type { Payer } from '../payer/payer.ts'
import { AccountBilling, type HeaderEntry } from './account-billing.ts'
import { HeaderCounts, type StripeHeadersStats, type StripeMeterFailure } from './header-counts.ts'
import { contextOf, noteId } from './header-note.ts'
import { openHeaderRows } from './header-rows.ts'
import { KeySweeper } from './key-sweeper.ts'
import { type KeySeal, keySeal } from './sealed-key.ts'

export interface StripeHeadersOptions {
  /** The meter's own sink of Stripe: it gets all that came without the headers. One of sums is made by `aggregated()` before it comes here. */
  readonly sink: Sink
  /** The meter's own: the sealed keys are kept beside its records. */
  readonly outbox: Outbox
  /**
   * What the keys are sealed under: 16 characters or more, random ones, the same in all processes. Without one, usage
   * that came with the headers is billed nowhere, and is counted.
   * @default `TOKEN_METER_SECRET` of the environment
   */
  readonly secret?: string | undefined
  /**
   * Makes the sink of an account: `(apiKey) => stripeSink({ apiKey, tokenTypes: 'input-output' })`. It is kept for
   * some minutes, and closed.
   */
  readonly connect: (apiKey: string) => Sink
  /**
   * How long usage is tried whose key Stripe refuses, or whose account does not answer, in ms: then it is a dead
   * letter. @default 86_400_000, a day
   */
  readonly giveUpAfterMs?: number | undefined
  /** How often it is looked for keys that are not needed any more, in ms. @default 60_000 */
  readonly sweepMs?: number | undefined
  /**
   * Told when usage could not be billed at the account of its headers (`stripe_meter_failed`).
   * @default it is told on the console, hourly
   */
  readonly onFailed?: ((failure: StripeMeterFailure) => void) | undefined
}

/** The meter's Stripe sink, which also bills by the headers of requests. */
export interface StripeHeadersSink extends Sink {
  /**
   * What all records of a request are appended with; none for one that came without the headers.
   * @param requestId the seal is bound to it
   */
  holdIdsOf(requestId: string, payer: Pick<Payer, 'stripe' | 'unbilled'>): readonly string[]
  /** What became of usage that came with the headers, in this process. */
  headerStats(): StripeHeadersStats
}

const check = optionCheck('stripeHeaders')
const dayMs = 24 * 60 * 60 * 1000

/**
 * The meter's Stripe sink, which also bills by the headers of requests: it has its name and takes its place.
 *
 *     const connect = (apiKey) => stripeSink({ apiKey, tokenTypes: 'input-output' })
 *     const billing = stripeHeaders({ sink: stripeSink({ apiKey }), outbox, connect })
 *     const meter = createMeter({ providers, outbox, sinks: [billing] })
 *     createGateway({ meter, stripeHeaders: billing, upstreams, adminKey })
 *
 * Whatever process delivers from the outbox has to have it: another would bill the meter's own account. What prepaid
 * credit of the key's customer has paid for is covered, as with any sink that bills: nothing of it is sent.
 *
 * @throws ConfigError for a wrong option, and for an outbox that nothing can be kept beside.
 */
export function stripeHeaders(options: StripeHeadersOptions): StripeHeadersSink {
  checkOptions(options)
  const { sink, outbox, connect, giveUpAfterMs = dayMs, sweepMs = 60_000 } = options
  const secret = options.secret ?? process.env['TOKEN_METER_SECRET']
  const seal = secret === undefined || secret === '' ? undefined : keySeal(secret)
  const rows = openHeaderRows(outbox)
  const counts = new HeaderCounts(options.onFailed)
  const sweeper = new KeySweeper(rows, outbox, sink.name, sweepMs)
  const accounts = new AccountBilling({ seal, connect, counts, giveUpAfterMs })
  // A process before this one may have left some.
  sweeper.arm()

  const wrapped = withSend(sink, async (batch, signal, progress) => {
    sweeper.arm()
    const known = await rows.of(batch.entries.map(({ record }) => record.id))
    if (known.size === 0) return await sink.send(batch, signal, progress)
    const own: BatchEntry[] = []
    const ofAccounts: HeaderEntry[] = []
    for (const entry of batch.entries) {
      const row = known.get(entry.record.id)
      if (row === undefined) own.push(entry)
      else ofAccounts.push({ entry, row })
    }
    const [ownResults, results] = await Promise.all([
      own.length === 0 ? [] : sink.send({ ...batch, entries: own }, signal, progress),
      accounts.send(ofAccounts, batch, signal, progress),
    ])
    const [nextOwn, next] = [ownResults.values(), results.values()]
    return batch.entries.map(
      ({ record }) => (known.has(record.id) ? next : nextOwn).next().value as SinkResult,
    )
  })

  return Object.defineProperties(wrapped, {
    perRecord: { value: true, enumerable: true },
    close: {
      value: async () => {
        await sweeper.close()
        await accounts.close()
        await sink.close?.()
      },
    },
    holdIdsOf: {
      value: (requestId: string, payer: Pick<Payer, 'stripe' | 'unbilled'>) =>
        holdIdsOf(seal, requestId, payer),
    },
    headerStats: { value: () => counts.stats() },
  }) as StripeHeadersSink
}

const none: readonly string[] = []

function holdIdsOf(
  seal: KeySeal | undefined,
  request: string,
  { stripe, unbilled }: Pick<Payer, 'stripe' | 'unbilled'>,
): readonly string[] {
  if (stripe !== undefined) {
    const { customer, key } = stripe
    const sealed = seal?.seal(key, contextOf({ request, customer })) ?? null
    return [noteId({ request, customer, sealed, why: sealed === null ? 'no_secret' : null })]
  }
  if (unbilled === undefined) return none
  return [noteId({ request, customer: '', sealed: null, why: unbilled })]
}

function checkOptions(options: StripeHeadersOptions): void {
  checkKeys<StripeHeadersOptions>('stripeHeaders', options, {
    sink: true,
    outbox: true,
    secret: true,
    connect: true,
    giveUpAfterMs: true,
    sweepMs: true,
    onFailed: true,
  })
  const { sink, outbox, secret, connect, giveUpAfterMs = dayMs, sweepMs = 1, onFailed } = options
  check('sink', sink, 'a sink, such as stripeSink({ apiKey })', hasMethod('send'))
  check('outbox', outbox, 'the outbox of the meter', hasMethod('append'))
  check('secret', secret ?? '', 'a text', (value) => typeof value === 'string')
  check('connect', connect, 'a function that makes a sink of a key', isFunction)
  check('giveUpAfterMs', giveUpAfterMs, 'a number of ms above 0', isTimerMs)
  check('sweepMs', sweepMs, 'a number of ms above 0', isTimerMs)
  check('onFailed', onFailed ?? isFunction, 'a function', isFunction)
}
