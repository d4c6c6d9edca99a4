/**
 * The rules of an outbox: what memory, SQLite and Postgres decide alike, whatever they keep records
 * in. A store reads what it has, asks a rule, and writes what the rule says. Where one statement of a
 * database has to do it all, `rules-sql.ts` has the same rule as SQL.
 *
 * - Claiming: `Turns`, `batchReady`, `isHeld`.
 * - A result, or none: `outcomeOf` for each record, `waitMs` for the batch, `mayHaveArrived` where the
 *   claim was never settled. A batch ends with its last record.
 * - What a store says of itself and of single records: `distrusted`, `correctedEvents`, `stateOf`.
 */
import { ConfigError } from '../errors/errors.ts'
import { type Refusal, refusalOf } from '../errors/refusal.ts'
import type { BatchEntry } from '../sink/batch.ts'
import type { EventsInFlight } from '../sink/send-progress.ts'
import type { SinkResult } from '../sink/sink-result.ts'
import type { Correction, RecordState, SettledState } from './outbox.ts'

/** A batch that comes again and fresh records take turns, so that neither keeps the other waiting. */
export class Turns {
  /** Sinks whose last batch was one that came again. */
  readonly #gotAgain = new Set<string>()

  /** Takes what is due again, or what is fresh, each where there is any. */
  take<Taken>(
    sink: string,
    ways: { readonly again: () => Taken | undefined; readonly fresh: () => Taken | undefined },
  ): Taken | undefined {
    if (this.isFreshFirst(sink)) return ways.fresh() ?? this.#again(sink, ways.again)
    return this.#again(sink, ways.again) ?? ways.fresh()
  }

  /** Whose turn it is, which ends with this question. */
  isFreshFirst(sink: string): boolean {
    return this.#gotAgain.delete(sink)
  }

  gaveAgain(sink: string): void {
    this.#gotAgain.add(sink)
  }

  #again<Taken>(sink: string, again: () => Taken | undefined): Taken | undefined {
    const taken = again()
    if (taken !== undefined) this.gaveAgain(sink)
    return taken
  }
}

/** What waits for a sink and is in no batch. */
export interface WaitingRecords {
  readonly anyRequeued: boolean
  readonly count: number
  /** The `at` of the first of them, in ms since the epoch. */
  readonly oldestAt: number | undefined
}

/** How long fresh records wait for more of them. */
export interface Linger {
  readonly limit: number
  readonly lingerMs: number
  readonly nowMs: number
}

/**
 * Whether what waits need not wait for more: what is requeued never does.
 * @param waiting asked only where it matters.
 */
export function batchReady(
  { limit, lingerMs, nowMs }: Linger,
  waiting: () => WaitingRecords,
): boolean {
  if (lingerMs === 0) return true
  const { anyRequeued, count, oldestAt } = waiting()
  if (anyRequeued || count >= limit) return true
  return oldestAt !== undefined && Math.abs(nowMs - oldestAt) >= lingerMs
}

/** Why a record could be held. */
export interface HoldReasons {
  readonly isTest: boolean
  /** It came before a sink that may be another one under a new name. */
  readonly isFromBefore: boolean
  /** Somebody said that it goes out. */
  readonly isReleased: boolean
}

/** Whether a claim leaves a record behind, held, in place of giving it out. */
export function isHeld(
  { isTest, isFromBefore, isReleased }: HoldReasons,
  isLive: boolean,
): boolean {
  return !isReleased && (isFromBefore || (isLive && isTest))
}

/** What may have arrived of a record, beside what is known to have. */
export interface Uncertainty {
  /** When it may first have arrived, in ms since the epoch; absent while it certainly has not. */
  readonly uncertainSince?: number | undefined
  /** Which of its events may have; absent where any may. */
  readonly uncertainEventIds?: readonly string[] | undefined
  /** The sum as part of which it may have; absent where it was sent as itself. */
  readonly uncertainIn?: string | undefined
}

/** What earlier attempts left of a record in a batch. */
export interface AttemptedRecord {
  readonly uncertain: Uncertainty
  readonly deliveredEventIds: readonly string[]
}

/** A claim that ends. */
export interface EndingClaim {
  readonly batchId: string
  /** ms since the epoch. */
  readonly claimedAt: number
}

/** What a result makes of a record in a batch: `batched` stays there for the next attempt. */
export type Outcome =
  | { readonly state: 'delivered' }
  | { readonly state: 'covered' }
  | {
      readonly state: 'dead'
      readonly reason: string
      readonly refusal: Refusal
      readonly deliveredEventIds: readonly string[]
    }
  | ({ readonly state: 'batched' } & AttemptedRecord)

const isDelivered: Outcome = { state: 'delivered' }
const isCovered: Outcome = { state: 'covered' }

/** Marks a discarded item as one that is paid for by prepaid credit; nothing else may use it. */
export const coveredCode = 'covered'

/**
 * @param result absent where the sink said nothing of the record: all of it may have arrived.
 * @param claim absent while the batch is still being sent: what may have arrived shows at its end.
 */
export function outcomeOf(
  known: AttemptedRecord,
  result: SinkResult | undefined,
  claim?: EndingClaim,
): Outcome {
  if (result?.status === 'accepted') return result.code === undefined ? isDelivered : isCovered
  const deliveredEventIds = union(known.deliveredEventIds, result?.deliveredEventIds)
  if (result?.status === 'rejected') {
    return { state: 'dead', reason: result.reason, refusal: refusalOf(result), deliveredEventIds }
  }
  const isUncertain = claim !== undefined && (result === undefined || result.uncertain === true)
  const uncertain = isUncertain
    ? moreUncertain(
        known.uncertain,
        { ...mayHaveArrived(claim), ...uncertainPartOf(result) },
        claim.batchId,
      )
    : known.uncertain
  return { state: 'batched', uncertain, deliveredEventIds }
}

function uncertainPartOf(
  result: Extract<SinkResult, { readonly status: 'retry' }> | undefined,
): Uncertainty {
  const { uncertainEventIds, uncertainIn } = result ?? {}
  return { uncertainEventIds, uncertainIn }
}

/** How long what is left of a batch waits for its next attempt, in ms. */
export function waitMs(results: readonly (SinkResult | undefined)[]): number {
  let longest = 0
  for (const result of results) {
    if (result?.status === 'retry') longest = Math.max(longest, result.afterMs ?? 0)
  }
  return longest
}

/**
 * What may have arrived of a record by a claim that was never settled.
 * @param part the request that was in flight; left out where its holder marked none: any of it may.
 */
export function mayHaveArrived(
  { claimedAt }: Pick<EndingClaim, 'claimedAt'>,
  part?: EventsInFlight,
): Uncertainty {
  return {
    uncertainSince: claimedAt,
    uncertainEventIds: part?.eventIds,
    uncertainIn: part?.sumId,
  }
}

/**
 * What is uncertain once more may have arrived.
 * @param batchId the sums that it stands for in a copy are known from now on: there are none, or this.
 */
export function moreUncertain(known: Uncertainty, more: Uncertainty, batchId: string): Uncertainty {
  if (more.uncertainSince === undefined) return known
  const { uncertainSince = more.uncertainSince } = known
  const isFirst = known.uncertainSince === undefined
  const both = [known.uncertainEventIds, more.uncertainEventIds] as const
  return {
    uncertainSince,
    uncertainEventIds: isFirst ? both[1] : both[0] && both[1] && union(both[0], both[1]),
    uncertainIn:
      more.uncertainIn ?? (known.uncertainIn === batchId ? undefined : known.uncertainIn),
  }
}

/**
 * What is uncertain of a record that waits in a copy: all of it, since that was made.
 * @param batchId the batch that it is in: the original goes on with the same one.
 */
export function distrusted(known: Uncertainty, sinceMs: number, batchId?: string): Uncertainty {
  const { uncertainSince, uncertainIn } = known
  return {
    uncertainSince: Math.min(uncertainSince ?? sinceMs, sinceMs),
    uncertainIn: uncertainSince === undefined ? batchId : uncertainIn,
  }
}

/**
 * Since when a copy is distrusted, by `Outbox.distrust`; never a time to come.
 * @throws ConfigError when it is no time.
 */
export function distrustedSince(sinceMs: number, nowMs: number): number {
  if (!Number.isFinite(sinceMs)) {
    throw new ConfigError(
      `distrust takes the time of the copy or backup in ms since the epoch, got ${String(sinceMs)}`,
    )
  }
  return Math.min(sinceMs, nowMs)
}

/** The same as fields of an entry. */
export function uncertaintyFields(
  known: Uncertainty,
): Pick<BatchEntry, 'uncertainSince' | 'uncertainEventIds' | 'uncertainIn'> {
  const { uncertainSince, uncertainEventIds, uncertainIn } = known
  if (uncertainSince === undefined) return { uncertainSince }
  return {
    uncertainSince,
    ...(uncertainEventIds !== undefined && { uncertainEventIds }),
    ...(uncertainIn !== undefined && { uncertainIn }),
  }
}

/** What is known of the single meter events of a record. */
export interface KnownEvents {
  readonly deliveredEventIds: readonly string[]
  readonly refusedEventIds: readonly string[]
}

/**
 * What is known after a correction of a record that was `from`: the same object where it says nothing
 * of single events, `undefined` where the report is one that was made before.
 */
export function correctedEvents(
  known: KnownEvents,
  from: SettledState,
  { state, deliveredEventIds: named, refusedEventIds: reported = [] }: Correction,
): KnownEvents | undefined {
  if (state !== 'dead' || (named === undefined && reported.length === 0)) return known
  const before = new Set(known.refusedEventIds)
  if (reported.length > 0 && reported.every((id) => before.has(id))) return undefined
  const refused = new Set([...before, ...reported])
  const delivered =
    from === 'delivered'
      ? (named ?? [])
      : known.deliveredEventIds.filter((id) => named?.includes(id) ?? !refused.has(id))
  return { deliveredEventIds: [...new Set(delivered)], refusedEventIds: [...refused] }
}

/** Where a record stands with a sink. */
export function stateOf(record: {
  readonly hasCustomer: boolean
  /** The state of its item; absent where there is none. */
  readonly itemState: string | undefined
  /** The sink's cursor is behind it. */
  readonly isPassed: boolean
}): RecordState {
  const { hasCustomer, itemState, isPassed } = record
  if (!hasCustomer) return 'unattributed'
  if (itemState === 'dead' || itemState === 'discarded') return itemState
  if (itemState === 'held' || itemState === 'covered') return itemState
  return itemState === undefined && isPassed ? 'delivered' : 'pending'
}

/** Without repetition, the known ones first. */
function union(known: readonly string[], more: readonly string[] = []): readonly string[] {
  return more.length === 0 ? known : [...new Set([...known, ...more])]
}
