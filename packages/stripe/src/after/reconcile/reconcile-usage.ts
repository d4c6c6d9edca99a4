/**
 * The ledger's sums beside Stripe's: what was delivered and is not billed, what is billed and was
 * not known to be delivered. And for dead letters of unknown fate, minute by minute, what Stripe has
 * of them (arrived-events), so that they can be settled or sent again.
 */
import {
  ConfigError,
  isFiniteDuration,
  isOneOf,
  isText,
  optionCheck,
  sleep,
} from '@token-meter/core/sink'
import type { LedgerEntry } from '@token-meter/core/adapter'
import { type AfterTheFact, type AfterTheFactOptions, afterTheFact } from '../after-the-fact.ts'
import { type Arrived, arrivedEvents } from './arrived-events.ts'
import {
  type LedgerSum,
  type SpanLedger,
  knownEvents,
  ledgerSums,
  minuteMs,
  spanEnd,
  spanLedger,
  spanOfWindows,
  spanStart,
} from './ledger.ts'
import { type MeterTotals, meterTotals } from './meter-totals.ts'
import type { MeterSum, ReconcileAction, ReconcileReport, Unresolved } from './reconcile-report.ts'

/** Options of `reconcileUsage`, beside those of the sink. */
export interface ReconcileUsageOptions extends AfterTheFactOptions {
  /** The window, by when the calls ended; a number is ms since the epoch. Taken to whole minutes. */
  readonly from: Date | number
  readonly to: Date | number
  /** @default all customers */
  readonly customer?: string | undefined
  /** Settles or requeues the dead letters whose fate is proven; else they are only named. @default false */
  readonly apply?: boolean | undefined
  /**
   * How long Stripe's sums may lag behind what it has confirmed, in ms. So long is waited before a
   * dead letter is decided on, once. @default 300000 with `apply`, 0 without
   */
  readonly lagMs?: number | undefined
  /** The `windowMs` of `aggregated()`, where the sink is in it: sums are compared by such windows. */
  readonly windowMs?: number | undefined
  /** Stops it between two requests. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Compares what Stripe bills with the ledger, per customer and meter, and finds out what became of
 * dead letters whose fate is unknown: the events that make up Stripe's sum for their minute, and no
 * others, have arrived. A record of which all arrived is delivered; what certainly did not arrive is
 * sent again. What the sums do not prove is left alone and reported. One at a time: two runs at once
 * could send a record twice.
 * @throws ReconcileError when Stripe does not say its sums; ConfigError when an option is wrong; the
 * signal's reason.
 */
export async function reconcileUsage(options: ReconcileUsageOptions): Promise<ReconcileReport> {
  const after = afterTheFact('reconcileUsage', options, {
    from: true,
    to: true,
    customer: true,
    apply: true,
    lagMs: true,
    windowMs: true,
    signal: true,
  })
  const { customer, apply = false, signal } = options
  const [fromMs, untilMs] = checkedWindow(options)
  const spanMs = spanOfWindows(options.windowMs)
  const lagMs = options.lagMs ?? (apply ? 300_000 : 0)
  const check = optionCheck('reconcileUsage')
  check('apply', apply, 'true or false', isOneOf(true, false))
  check('lagMs', lagMs, 'a number of ms from 0 up', isFiniteDuration)
  check('customer', customer ?? 'all', 'a customer id', isText)
  const window = { fromMs, untilMs, ...(customer === undefined ? {} : { customer }) }

  const { sums, spans } = await ledgerSums(after, window, spanMs)
  const totals = await meterTotals(after, signal)
  const before: SpanLedger[] = []
  for (const span of spans) before.push(await spanLedger(after, span))
  if (before.length > 0) await sleep(lagMs, { signal, keepsAlive: true })
  signal?.throwIfAborted()

  const actions: ReconcileAction[] = []
  const unresolved: Unresolved[] = []
  for (const span of before) {
    const decided = await decideSpan(after, totals, span, options.windowMs !== undefined)
    unresolved.push(...decided.unresolved)
    for (const { entry, ...action } of decided.actions) {
      const applied = apply && (await settleRecord(after, entry, action))
      actions.push({ ...action, applied })
    }
  }

  const compared: MeterSum[] = []
  // Where it stands after all that: what was settled has moved, and time has passed.
  const current = before.length > 0 ? (await ledgerSums(after, window, spanMs)).sums : sums
  for (const sum of current) compared.push(await compare(totals, sum, { fromMs, untilMs }))
  return { fromMs, untilMs, sums: compared, actions, unresolved }
}

async function decideSpan(
  after: AfterTheFact,
  totals: MeterTotals,
  before: SpanLedger,
  knowsWindows: boolean,
) {
  const { customer, fromMs, untilMs } = before
  const arrived = await arrivedEvents(before, async (eventName) => {
    const of = { eventName, customer, fromMs, untilMs }
    return totals.problem(eventName) ?? (await totals.total(of))
  })
  const { fingerprint } = await spanLedger(after, { customer, fromMs, untilMs })
  const actions = []
  const unresolved: Unresolved[] = []
  for (const entry of before.uncertain) {
    const decided = decision(after, entry, arrived)
    const { recordId } = decided
    if ('reason' in decided) unresolved.push(decided)
    else if (wasSummed(entry) && !knowsWindows) {
      unresolved.push({ recordId, customer, reason: 'it was part of a sum: set windowMs' })
    } else if (knowsWindows && before.isRounded) {
      unresolved.push({ recordId, customer, reason: roundedTogether })
    } else if (fingerprint === before.fingerprint) actions.push({ ...decided, entry })
    else {
      const reason = 'usage of the same time was settled meanwhile; try again'
      unresolved.push({ recordId, customer, reason })
    }
  }
  return { actions, unresolved }
}

const roundedTogether =
  "amounts were rounded together, and by how much single records do not tell: with costUnit 'nano-usd' hardly any are rounded"

/** The sum has the time of its latest record. */
function wasSummed({ code }: LedgerEntry): boolean {
  return code === 'uncertain_sum'
}

async function compare(
  totals: MeterTotals,
  sum: LedgerSum,
  window: { readonly fromMs: number; readonly untilMs: number },
): Promise<MeterSum> {
  const { customer, eventName, delivered } = sum
  const problem = totals.problem(eventName) ?? sum.problem
  if (problem !== undefined) return { ...sum, billed: undefined, difference: undefined, problem }
  const billed = await totals.total({ eventName, customer, ...window })
  return { ...sum, billed, difference: billed - delivered, problem }
}

function checkedWindow({ from, to }: ReconcileUsageOptions): [number, number] {
  const [fromMs, untilMs] = [spanStart(Number(from), minuteMs), spanEnd(Number(to), minuteMs)]
  if (!(fromMs < untilMs)) {
    throw new ConfigError('reconcileUsage: from and to must be times, and from before to')
  }
  return [fromMs, untilMs]
}

/** What the arrived events of a span mean for one dead letter of it. */
function decision(
  after: AfterTheFact,
  entry: LedgerEntry,
  arrived: Arrived,
): Omit<ReconcileAction, 'applied'> | Unresolved {
  const { id: recordId, customer } = entry.record
  const common = { recordId, customer: customer ?? '' }
  const arrivedEventIds: string[] = []
  const missingEventIds: string[] = []
  for (const { id, eventName, fate } of knownEvents(after, entry)) {
    if (fate !== 'uncertain') continue
    const found = arrived.get(eventName)
    if (typeof found !== 'object') return { ...common, reason: `${eventName}: ${found}` }
    const list = found.ids.has(id) ? arrivedEventIds : missingEventIds
    list.push(id)
  }
  const action = missingEventIds.length === 0 ? 'delivered' : 'requeue'
  return { ...common, action, arrivedEventIds, missingEventIds }
}

/** Settles the record, or sends again what is missing of it. False when it was moved already. */
async function settleRecord(
  { outbox, sink }: AfterTheFact,
  { deliveredEventIds }: LedgerEntry,
  { recordId, action, arrivedEventIds }: Omit<ReconcileAction, 'applied'>,
): Promise<boolean> {
  const ids = [recordId]
  const reason = "Stripe's sums prove what arrived"
  if (action === 'delivered')
    return (await outbox.correct(sink, ids, { state: action, reason })) > 0
  if (arrivedEventIds.length > 0) {
    // By way of delivered, because what a dead letter has of its own can only become less.
    await outbox.correct(sink, ids, { state: 'delivered', reason })
    const known = [...deliveredEventIds, ...arrivedEventIds]
    await outbox.correct(sink, ids, {
      state: 'dead',
      reason,
      deliveredEventIds: known,
      code: 'proven',
    })
  }
  return (await outbox.requeue(sink, ids)) > 0
}
