import { allInput, allOutput, mapCounts } from '../../usage/token-counts.ts'
import type { UsageRecord } from '../../usage/usage-record.ts'
import type { SinkResult } from '../sink-result.ts'

const nothing: ReadonlySet<string> = new Set()

/**
 * Attributes as names and texts. They may come from untyped code: what has no obvious text is left
 * out.
 * @param reserved names that decide the bill, which no attribute may stand in for.
 */
export function attributeTexts(
  attributes: Readonly<Record<string, unknown>>,
  reserved: ReadonlySet<string> = nothing,
): [name: string, text: string][] {
  return Object.entries(attributes)
    .filter(([name, value]) => !reserved.has(name) && /^[snb]/.test(typeof value))
    .map(([name, value]) => [name, String(value)])
}

/**
 * The id that an event is sent under: its own, or with `~2`, `~3`, ... behind it where the ones before
 * are used up (`outbox.correct`): the backend has them, or had them, and does not bill them, and
 * would take the event for one that it knows.
 */
export function unusedEventId(first: string, refused: readonly string[]): string {
  let id = first
  for (let turn = 2; refused.includes(id); turn++) id = `${first}~${turn}`
  return id
}

/** A record whose cached reads and writes are added to its input, for prices that know two kinds of tokens. */
export function withCacheInInput(record: UsageRecord): UsageRecord {
  const input = allInput(record.tokens)
  const output = allOutput(record.tokens)
  return { ...record, tokens: { ...mapCounts(() => 0), input, output } }
}

/** A clock that is put right should not have to wait for what it would have been. */
const longestWaitMs = 60_000

/** How far ahead of now a backend takes usage. */
export interface AheadLimit {
  /** For people: `Stripe`. */
  readonly backend: string
  readonly aheadMs: number
  /** The same for people: `5 minutes`. */
  readonly ahead: string
}

/**
 * The result of a record of a time that a backend does not take yet: it is correct but for its
 * machine's clock, and waits until it can be sent. `undefined` for any other.
 * @param at ms since the epoch.
 */
export function datedAhead(
  at: number,
  nowMs: number,
  { backend, aheadMs, ahead }: AheadLimit,
): SinkResult | undefined {
  const tooEarlyMs = at - nowMs - aheadMs
  if (!(tooEarlyMs > 0)) return undefined
  const reason = `it is dated ${dateText(at)}, more than ${ahead} ahead of this machine's clock, which ${backend} refuses: it is sent when that time has come. Check the clock of the machine that recorded it.`
  return { status: 'retry', reason, afterMs: Math.min(tooEarlyMs, longestWaitMs), recordOnly: true }
}

/** A time in a reason. One that is no date must not throw there. */
export function dateText(at: number): string {
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : String(at)
}
