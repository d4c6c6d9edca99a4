import type { LedgerEntry, SinkStats } from '@token-meter/core'
import { modelSlug, tokenTypes, type UsageRecord } from '@token-meter/core/adapter'
import type { MeterEventParams } from '../stripe/meter-event-params.ts'
import { plannedCall } from './planned-call.ts'
import { usageRows, type UsageRow } from './usage-row.ts'

/** What is left of a run: the three sides that have to agree. */
export interface Remains {
  /** The whole ledger of the outbox. */
  readonly ledger: readonly LedgerEntry[]
  readonly stats: SinkStats
  /** What is billed. */
  readonly meterEvents: readonly MeterEventParams[]
  /** Keys of the calls that had resolved. */
  readonly resolved: readonly string[]
}

export interface Audit {
  /** What is wrong; nothing, when every token is billed once. */
  readonly problems: readonly string[]
  readonly rows: readonly UsageRow[]
}

/** Compares what producers know to have resolved, what the outbox recorded, and what is billed. */
export function audit({ ledger, stats, meterEvents, resolved }: Remains): Audit {
  const records = ledger.map(({ record }) => record)
  const recordedKeys = records.map(keyOf)
  const isRecorded = new Set(recordedKeys)
  const owed = records.flatMap(usageOf)
  const isOwed = new Map(owed.map((usage) => [usage.identifier, usage]))
  const billed = meterEvents.map(({ identifier = '', payload }) => {
    const { stripe_customer_id: customer = '', model = '', token_type: tokenType = '' } = payload
    return { identifier, customer, model, tokenType, value: Number(payload.value) }
  })
  const isBilled = new Set(billed.map(({ identifier }) => identifier))
  const rows = usageRows(owed, billed)
  const { pending, delivered, dead, unattributed, discarded } = stats
  const sum = pending + delivered + dead + unattributed + discarded

  const problems = [
    ...resolved
      .filter((key) => !isRecorded.has(key))
      .map((key) => `${key} had resolved, and is not recorded`),
    ...repeated(resolved).map((key) => `${key} resolved twice`),
    ...repeated(recordedKeys).map((key) => `${key} is recorded twice`),
    ...records
      .filter(isMiscounted)
      .map((record) => `${keyOf(record)} is recorded as ${said(record)}`),
    ...ledger
      .filter(({ state }) => state !== 'delivered')
      .map(({ record, state, reason }) => `${record.id} is ${state}: ${reason ?? 'no reason'}`),
    ...owed
      .filter(({ identifier }) => !isBilled.has(identifier))
      .map(({ identifier }) => `${identifier} is recorded, and not billed`),
    ...repeated(billed.map(({ identifier }) => identifier)).map((id) => `${id} is billed twice`),
    ...billed
      .filter((usage) => JSON.stringify(isOwed.get(usage.identifier)) !== JSON.stringify(usage))
      .map((usage) => `billed, and not recorded so: ${JSON.stringify(usage)}`),
    ...rows
      .filter(({ recorded, billed }) => recorded !== billed)
      .map((row) => `the sums differ: ${JSON.stringify(row)}`),
  ]
  if (stats.recorded !== sum || stats.recorded !== records.length || delivered !== sum) {
    problems.push(`stats: ${JSON.stringify(stats)} for ${records.length} records`)
  }
  return { problems, rows }
}

function keyOf({ attributes }: UsageRecord): string {
  return attributes['call'] ?? ''
}

/** Any call's counts are known beforehand, also of one that was cut off by the end of its process. */
function isMiscounted(record: UsageRecord): boolean {
  const { customer, model, tokens } = plannedCall(keyOf(record))
  const isSame = tokenTypes.every(({ count }) => record.tokens[count] === tokens[count])
  return !isSame || record.customer !== customer || record.model !== model
}

function said({ customer, model, tokens }: UsageRecord): string {
  return JSON.stringify({ customer, model, tokens })
}

function usageOf({ id, customer, provider, model, tokens }: UsageRecord) {
  return tokenTypes
    .filter(({ count }) => tokens[count] > 0)
    .map(({ count, type: tokenType }) => ({
      identifier: `${id}:${tokenType}`,
      customer: customer ?? '',
      model: modelSlug(provider, model),
      tokenType: tokenType as string,
      value: tokens[count],
    }))
}

function repeated(items: readonly string[]): readonly string[] {
  const seen = new Set<string>()
  return items.filter((item) => seen.size === seen.add(item).size)
}
