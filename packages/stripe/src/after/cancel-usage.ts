import { isOneOf, optionCheck, TokenMeterError } from '@token-meter/core/sink'
import type { LedgerEntry } from '@token-meter/core/adapter'
import type { StripeApi } from '../options.ts'
import { isInDuplicateWindow } from '../time-windows.ts'
import {
  type AfterTheFact,
  type AfterTheFactOptions,
  afterTheFact,
  cancelled as isOffTheBill,
  cancelledBecause,
  isCancelled,
  isUncertain,
  ledgerEntry,
} from './after-the-fact.ts'
import type { EventOfRecord } from './events-of-record.ts'
import { freshKey, requestKey } from '../event-ids.ts'

/** Options of `cancelUsage`, beside those of the sink. */
export interface CancelUsageOptions extends AfterTheFactOptions {
  /** Which of Stripe's APIs takes the event back; the stream has none of its own. @default 'v2' */
  readonly api?: StripeApi | undefined
  /** For the ledger: why. */
  readonly reason?: string | undefined
}

/** What `cancelUsage` did. */
export interface CancelledUsage {
  readonly recordId: string
  /** Meter events that Stripe took back, now; none when the record was cancelled before. */
  readonly eventIds: readonly string[]
}

/**
 * Takes a delivered record off the bill: every meter event of it is cancelled at Stripe, and the
 * ledger has it as discarded. Stripe does so within 24 hours of having got the event, and never
 * changes an invoice that is final. A dead letter is only given up, but for what Stripe has of it.
 * Twice is as good as once.
 * @throws CancelError when the record is unknown or still on its way, when nobody knows whether
 * Stripe has it, and when Stripe refuses; what it took back before is named, and a second call goes
 * on from there.
 * @throws ConfigError when an option is wrong or missing.
 */
export async function cancelUsage(
  recordId: string,
  options: CancelUsageOptions,
): Promise<CancelledUsage> {
  const after = afterTheFact('cancelUsage', options, { api: true, reason: true })
  const api = checkedApi(options.api)
  const entry = await ledgerEntry(after.outbox, after.sink, recordId)
  if (entry === undefined) {
    throw refusal(recordId, 'the ledger does not have it, or not any more')
  }
  const events = eventsToCancel(after, entry)
  const cancelled: EventOfRecord[] = []
  // One by one: Stripe takes one request at a time for a customer and event name.
  for (const event of events) {
    try {
      await cancelEvent(after, api, event)
      cancelled.push(event)
    } catch (error) {
      if (isAbsent(entry, event, error)) continue
      throw failure(after, entry, { error, cancelled, events })
    }
  }
  await note(after, entry, { events, cancelled, reason: options.reason })
  return { recordId, eventIds: idsOf(cancelled) }
}

/** @throws CancelError when the record is none that could be cancelled. */
function eventsToCancel(after: AfterTheFact, entry: LedgerEntry): readonly EventOfRecord[] {
  const { state, record, deliveredEventIds, refusedEventIds } = entry
  if (state === 'unattributed') throw refusal(record.id, 'nobody is billed for it')
  if (state === 'pending') {
    throw refusal(
      record.id,
      'it is on its way to Stripe; try again when it was delivered (await meter.flush())',
    )
  }
  if (isCancelled(entry)) return []
  const events = after.eventsOf(record, refusedEventIds)
  if (state === 'delivered' || isUncertain(entry)) return events
  return events.filter(({ identifier }) => deliveredEventIds.includes(identifier))
}

/**
 * Tells the ledger. By way of dead where a record was given up, because what is in a state keeps the
 * reason that it has.
 * @throws CancelError when the record was moved by somebody else.
 */
async function note(
  { outbox, correct, sink }: AfterTheFact,
  { state, record: { id } }: LedgerEntry,
  done: {
    readonly events: readonly EventOfRecord[]
    readonly cancelled: readonly EventOfRecord[]
    readonly reason: string | undefined
  },
): Promise<void> {
  const why = cancelledBecause(done.reason)
  if (state === 'discarded' && done.events.length === 0) return
  if (state === 'discarded')
    await outbox.correct(sink, [id], { state: 'dead', reason: why, ...isOffTheBill })
  const moved = await correct(sink, [id], { state: 'discarded', reason: why, ...isOffTheBill })
  if (moved > 0) return
  const now = await ledgerEntry(outbox, sink, id)
  if (now !== undefined && isCancelled(now)) return
  throw refusal(
    id,
    'it was moved in the meantime. Call cancelUsage again when it was delivered.',
    idsOf(done.cancelled),
  )
}

function refusal(
  recordId: string,
  why: string,
  cancelledEventIds: readonly string[] = [],
): CancelError {
  return new CancelError(`cannot cancel ${recordId}: ${why}`, { recordId, cancelledEventIds })
}

/**
 * Whether a refusal says that an event of unknown fate never arrived: only as long as Stripe would
 * take it back if it had.
 */
function isAbsent(entry: LedgerEntry, { identifier }: EventOfRecord, error: unknown): boolean {
  if (!isUncertain(entry) || entry.deliveredEventIds.includes(identifier)) return false
  const { statusCode } = error as { readonly statusCode?: number }
  if (statusCode !== 400 && statusCode !== 404) return false
  return entry.since !== undefined && isInDuplicateWindow(entry.since, Date.now())
}

function failure(
  after: AfterTheFact,
  entry: LedgerEntry,
  {
    error,
    cancelled,
    events,
  }: { error: unknown; cancelled: readonly EventOfRecord[]; events: readonly EventOfRecord[] },
): CancelError {
  const recordId = entry.record.id
  const billed = idsOf(events.filter((event) => !cancelled.includes(event)))
  const partly =
    cancelled.length > 0
      ? ` It is cancelled in part: ${billed.join(', ')} are still billed. Call cancelUsage again.`
      : ' Nothing was changed.'
  const hint = isUncertain(entry)
    ? 'Whether Stripe has it is unknown: let reconcileUsage settle it first.'
    : 'Stripe cancels an event within 24 hours of having got it, with the permission "Billing meter event adjustments: Write".'
  return new CancelError(
    `Stripe did not cancel ${recordId}: ${after.readable(error)} (${hint})${partly}`,
    { recordId, cancelledEventIds: idsOf(cancelled), billedEventIds: billed, cause: error },
  )
}

function idsOf(events: readonly EventOfRecord[]): readonly string[] {
  return events.map(({ identifier }) => identifier)
}

function checkedApi(api: unknown = 'v2'): 'v1' | 'v2' {
  const isApi = isOneOf('v1', 'v2', 'stream')
  optionCheck('cancelUsage')('api', api, "'v1', 'v2' or 'stream'", isApi)
  return api === 'v1' ? 'v1' : 'v2'
}

/**
 * Asks Stripe to take one event back. Asking again within a day is the same request, but for one that
 * it refused: v1 would repeat that, though its cause may be over.
 * @throws what stripe-node throws.
 */
async function cancelEvent(
  { stripe, request }: AfterTheFact,
  api: 'v1' | 'v2',
  { event_name, identifier }: EventOfRecord,
): Promise<void> {
  const adjustments =
    api === 'v1' ? stripe.billing.meterEventAdjustments : stripe.v2.billing.meterEventAdjustments
  const key = `cancel:${await requestKey([{ identifier }])}`
  const ask = (idempotencyKey: string) =>
    adjustments.create(
      { event_name, type: 'cancel', cancel: { identifier } },
      { ...request, idempotencyKey },
    )
  try {
    await ask(key)
  } catch (error) {
    const { headers } = error as { readonly headers?: Readonly<Record<string, string>> }
    if (headers?.['idempotent-replayed'] !== 'true') throw error
    await ask(freshKey(key, Date.now()))
  }
}

/** A bill was not cancelled, or not wholly. The ledger is unchanged: `cancelUsage` can be called again. */
export class CancelError extends TokenMeterError {
  override readonly name = 'CancelError'
  readonly code = 'cancel'
  readonly recordId: string
  /** Meter events that Stripe has taken back all the same. */
  readonly cancelledEventIds: readonly string[]
  /** Meter events that are still billed. */
  readonly billedEventIds: readonly string[]

  constructor(
    message: string,
    options: ErrorOptions & {
      readonly recordId: string
      readonly cancelledEventIds?: readonly string[]
      readonly billedEventIds?: readonly string[]
    },
  ) {
    super(message, options)
    this.recordId = options.recordId
    this.cancelledEventIds = options.cancelledEventIds ?? []
    this.billedEventIds = options.billedEventIds ?? []
  }
}
