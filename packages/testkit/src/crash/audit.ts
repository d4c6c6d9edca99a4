import type { LedgerEntry, SinkStats } from '@token-meter/core'
import { tokenTypes, type UsageRecord } from '@token-meter/core/wire'
import type { MeterEventParams } from '../stripe/meter-event-params.ts'
import { billedUsage, usageOfRecord } from './audited-usage.ts'
import type { ResolvedCall } from './call-log.ts'
import { eventProblems } from './event-problems.ts'
import { keyOf, plannedCall } from './planned-call.ts'
import { repeated } from './repeated.ts'
import { countUnacknowledgedLost, resolvedProblems } from './resolved-calls.ts'
import { usageRows, type UsageRow } from './usage-row.ts'

/** What is left of a run: the three sides that have to agree. */
export interface Remains {
  /** The whole ledger of the outbox. */
  readonly ledger: readonly LedgerEntry[]
  readonly stats: SinkStats
  /** What is billed. */
  readonly meterEvents: readonly MeterEventParams[]
  /** What producers know of the calls that had resolved. */
  readonly resolved: readonly ResolvedCall[]
  /** The events are of sums, and not of single records. */
  readonly aggregate: boolean
}

export interface Audit {
  /** What is wrong; nothing, when every token is billed once. */
  readonly problems: readonly string[]
  readonly rows: readonly UsageRow[]
  /** Counts of tokens in all records: as many as events, where single records are sent. */
  readonly counts: number
  /** Calls that resolved while their outbox took too long to acknowledge, and are not recorded. */
  readonly unacknowledgedLost: number
}

/** Compares what producers know to have resolved, what the outbox recorded, and what is billed. */
export function audit({ ledger, stats, meterEvents, resolved, aggregate }: Remains): Audit {
  const records = ledger.map(({ record }) => record)
  const keys = records.map(keyOf)
  const idOf = new Map(records.map((record) => [keyOf(record), record.id]))
  const owed = records.flatMap(usageOfRecord)
  const billed = meterEvents.map(billedUsage)
  const rows = usageRows(owed, billed)
  const { pending, delivered, dead, unattributed, discarded, held } = stats
  const sum = pending + delivered + dead + unattributed + discarded + held

  const problems = [
    ...resolvedProblems(resolved, idOf),
    ...repeated(resolved.map(({ key }) => key)).map((key) => `${key} resolved twice`),
    ...repeated(keys).map((key) => `${key} is recorded twice`),
    ...records
      .filter(isMiscounted)
      .map((record) => `${keyOf(record)} is recorded as ${said(record)}`),
    ...ledger
      .filter(({ state }) => state !== 'delivered')
      .map(({ record, state, reason }) => `${record.id} is ${state}: ${reason ?? 'no reason'}`),
    ...eventProblems({ owed, billed, resolved, aggregate }),
    ...rows
      .filter(({ recorded, billed }) => recorded !== billed)
      .map((row) => `the sums differ: ${JSON.stringify(row)}`),
  ]
  if (stats.recorded !== sum || stats.recorded !== records.length || delivered !== sum) {
    problems.push(`stats: ${JSON.stringify(stats)} for ${records.length} records`)
  }
  const unacknowledgedLost = countUnacknowledgedLost(resolved, idOf)
  return { problems, rows, unacknowledgedLost, counts: owed.length }
}

/** Any call's counts are known beforehand, also of one that was cut off by the end of its process. */
function isMiscounted(record: UsageRecord): boolean {
  const { customer, model, tokens, feature } = plannedCall(keyOf(record))
  const isSame = tokenTypes.every(({ count }) => record.tokens[count] === tokens[count])
  const isSameFeature = record.attributes['feature'] === feature
  return !isSame || !isSameFeature || record.customer !== customer || record.model !== model
}

function said({ customer, model, tokens, attributes }: UsageRecord): string {
  return JSON.stringify({ customer, model, tokens, attributes })
}
