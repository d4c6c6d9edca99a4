import {
  ConfigError,
  type UsageRecord,
  checkKeys,
  isFunction,
  isUncertainRefusal,
  optionCheck,
} from '@token-meter/core/sink'
import type { LedgerEntry, LedgerQuery, Outbox } from '@token-meter/core/adapter'
import type Stripe from 'stripe'
import { checkedApiKey, redact } from '../api-key.ts'
import { createStripeClient } from '../stripe-client.ts'
import { type StripeSinkOptions, sinkOptions, stripeSinkSettings } from '../options.ts'
import { recordIdOf } from '../event-ids.ts'
import { type EventOfRecord, type PricedBy, eventsOfRecord, isRounded } from './events-of-record.ts'

/**
 * What everything that comes after a delivery takes: the options of the sink, by which it knows what
 * was sent, and where the ledger is. One of `meter` and `outbox` is needed.
 */
export interface AfterTheFactOptions extends Pick<
  StripeSinkOptions,
  | 'apiKey'
  | 'stripe'
  | 'name'
  | 'value'
  | 'cost'
  | 'costUnit'
  | 'eventName'
  | 'tokenTypes'
  | 'modelSlug'
  | 'timeoutMs'
  | 'baseUrl'
  | 'stripeAccount'
> {
  /** The meter that the sink belongs to; its listeners hear of dead letters. */
  readonly meter?: { readonly outbox: Outbox; readonly correct: Outbox['correct'] } | undefined
  /** The outbox alone, in a process without a meter. */
  readonly outbox?: Outbox | undefined
  /**
   * With `value: 'cost'`: the `cost` of the meter, for records that had no price when they were kept
   * and were priced as they were sent. Without it their amounts are not known here.
   */
  readonly pricedBy?: PricedBy | undefined
}

/** The same, checked: a ledger, a Stripe client, and what the sink makes of a record. */
export interface AfterTheFact {
  readonly sink: string
  readonly outbox: Outbox
  correct: Outbox['correct']
  readonly stripe: Stripe
  /** Of every request. */
  readonly request: Stripe.RequestOptions
  readonly stripeAccount: string | undefined
  /** @throws Error when `eventName` or `modelSlug` throws, or gives no usable name. */
  eventsOf(record: UsageRecord, refusedEventIds?: readonly string[]): readonly EventOfRecord[]
  /** Whether a record's amount was rounded for its event: a sum of such is not that of their events. */
  isRounded(record: UsageRecord): boolean
  /** The record that an event is of; `undefined` for an id that the sink does not make. */
  recordIdOf(eventId: string): string | undefined
  /** A text or an error's message, without any key. */
  readable(cause: unknown): string
}

// Whatever the sink takes, so that one object can have the options of both.
const known = {
  ...sinkOptions,
  meter: true,
  outbox: true,
  pricedBy: true,
} as const satisfies Record<keyof AfterTheFactOptions, true>

/**
 * @param own the options that the caller has beside these.
 * @throws ConfigError when an option is wrong or missing.
 */
export function afterTheFact<Options extends AfterTheFactOptions>(
  caller: string,
  options: Options,
  own: Readonly<Record<Exclude<keyof Options, keyof AfterTheFactOptions>, true>>,
): AfterTheFact {
  checkKeys<AfterTheFactOptions>(caller, options, { ...known, ...own })
  const { meter, outbox = meter?.outbox, stripeAccount, modelSlug, apiKey, pricedBy } = options
  const settings = stripeSinkSettings(options)
  if (typeof outbox?.correct !== 'function') {
    throw new ConfigError(`${caller}: give meter, or outbox, where the ledger is`)
  }
  const priced = 'made by cost(), as the cost of createMeter'
  optionCheck(caller)('pricedBy', pricedBy ?? isFunction, priced, isFunction)
  const shape = { ...settings, modelSlug, pricedBy }
  return {
    sink: settings.name,
    outbox,
    correct: (...correction) => (meter ?? outbox).correct(...correction),
    stripe: options.stripe ?? createStripeClient(checkedApiKey(apiKey), options.baseUrl).stripe,
    request: {
      timeout: settings.timeoutMs,
      maxNetworkRetries: 2,
      ...(stripeAccount === undefined ? {} : { stripeAccount }),
    },
    stripeAccount,
    eventsOf: (record, refused) => eventsOfRecord(record, shape, refused),
    isRounded: (record) => isRounded(record, shape),
    recordIdOf: (eventId) => recordIdOf(eventId, settings.value),
    readable: (cause) => redact(cause instanceof Error ? cause.message : String(cause), apiKey),
  }
}

/** Where one record stands; `undefined` for one that the ledger does not have, or not any more. */
export async function ledgerEntry(
  outbox: Outbox,
  sink: string,
  recordId: string,
): Promise<LedgerEntry | undefined> {
  const record = await outbox.find(recordId)
  if (record === undefined) return undefined
  const moment = { fromMs: record.at, untilMs: record.at + 1 }
  let after: number | undefined
  do {
    const query = after === undefined ? moment : { ...moment, after }
    const { entries, next } = await outbox.ledger(sink, query)
    const entry = entries.find(({ record }) => record.id === recordId)
    if (entry !== undefined) return entry
    after = next
  } while (after !== undefined)
  return undefined
}

/** The entries of a part of the ledger, page by page. */
export async function* ledgerEntries(
  { outbox, sink }: AfterTheFact,
  query: LedgerQuery,
): AsyncGenerator<LedgerEntry, void, undefined> {
  let after: number | undefined
  do {
    const page = await outbox.ledger(sink, after === undefined ? query : { ...query, after })
    yield* page.entries
    after = page.next
  } while (after !== undefined)
}

/** Whether a record is a dead letter because nobody knows if Stripe has it, or all of it. */
export function isUncertain(entry: LedgerEntry): boolean {
  return entry.state === 'dead' && isUncertainRefusal(entry)
}

/** The code that the ledger has for a record that was taken off the bill. */
export const cancelled = { code: 'cancelled' } as const

/** The reason beside it, for people. */
export function cancelledBecause(why: string | undefined): string {
  return why === undefined ? 'cancelled at Stripe' : `cancelled at Stripe: ${why}`
}

/** Whether a record was taken off the bill, so that Stripe has nothing of it. */
export function isCancelled({ state, code }: LedgerEntry): boolean {
  return state === 'discarded' && code === cancelled.code
}
