/**
 * What makes the sums of a batch the same on every attempt, in every process:
 *
 * - A batch keeps its id and its records until they are settled, and the members of a sum are all
 *   settled alike. So a sum that comes again has the same members, and the same id, which is hashed
 *   from the batch's id and those of all members: an id stands for one choice of records, whatever
 *   else is summed beside it, so no sum is ever taken for another.
 * - An event of a sum that arrived is written on every member twice: as the member's own event, so
 *   that it is known wherever the member goes (a dead letter that is requeued alone), and under the
 *   batch's id, so that it does not change which sum the member belongs to in this batch.
 *
 * The hashed parts are therefore part of what is stored: to change them is to bill twice what is
 * uncertain at that moment.
 */
import type { Batch, BatchEntry } from './batch.ts'
import { deriveRecordId } from '../usage/record-id.ts'
import { mapCounts, tokenTypes } from '../usage/token-counts.ts'
import type { UsageOutcome, UsageRecord } from '../usage/usage-record.ts'
import { isKeptWithCost } from './priced-sinks.ts'
import { decimal } from '../usage/decimal.ts'
import { sumOfCosts } from '../usage/usage-cost.ts'
import type { UsageDetails } from '../usage/usage-details.ts'

/** Entries of a batch at the most, so that no sum has more than the 15 digits that Stripe takes. */
export const mostMembers = 10_000
/** What counts more by itself is not summed. */
const largestCount = 10 ** 15 / mostMembers - 1

/** Several entries of a batch as one, and their places in the batch. */
export interface Aggregate {
  readonly entry: BatchEntry
  readonly members: readonly number[]
  /** It is the entry itself, sent by itself. */
  readonly isItself?: true
}

/**
 * Sums entries of a batch per customer, price, attributes and window.
 * @param places those that may be summed. @default all
 */
export function aggregatesOf(
  batch: Batch,
  windowMs: number,
  places: Iterable<number> = batch.entries.keys(),
): readonly Aggregate[] {
  const groups = new Map<string, [number, ...number[]]>()
  for (const index of places) {
    const entry = batch.entries[index]
    if (entry === undefined) continue
    const { ofBatch, earlier } = deliveredEvents(batch.id, entry)
    const refused = eventsOf(entry.record.id, entry.refusedEventIds).toSorted()
    const common = commonParts(entry.record, windowMs)
    // What arrived differs only where the options were changed in the middle of a batch.
    const group = JSON.stringify([...common, ofBatch, earlier, refused])
    const known = groups.get(group)
    if (known === undefined) groups.set(group, [index])
    else known.push(index)
  }
  return [...groups.values()].map((members) => {
    const ids = members.map((index) => batch.entries[index]?.record.id ?? '')
    return { members, entry: sumOfEntries(deriveRecordId(batch.id, ...ids), batch, members) }
  })
}

/** The events of a sum as events of one of its members, to be kept with the member. */
export function eventsOfMember(
  batchId: string,
  sumId: string,
  memberId: string,
  deliveredEventIds: readonly string[],
): readonly string[] {
  return deliveredEventIds.flatMap((id) => {
    if (!id.startsWith(sumId)) return id
    const event = id.slice(sumId.length)
    return [memberId + event, batchId + event]
  })
}

/** Entries of a batch as one, under an id; what they have in common they all have. */
export function sumOfEntries(id: string, batch: Batch, members: readonly number[]): BatchEntry {
  const entries = members.flatMap((index) => batch.entries[index] ?? [])
  const [first] = entries as [BatchEntry]
  const earliest = (times: readonly (number | undefined)[]): number | undefined => {
    const known = times.filter((time) => time !== undefined)
    return known.length === 0 ? undefined : Math.min(...known)
  }
  return {
    record: sumOfRecords(
      id,
      entries.map(({ record }) => record) as [UsageRecord, ...UsageRecord[]],
    ),
    attempts: Math.max(...entries.map(({ attempts }) => attempts)),
    firstAttemptAt: earliest(entries.map(({ firstAttemptAt }) => firstAttemptAt)),
    uncertainSince: earliest(entries.map(({ uncertainSince }) => uncertainSince)),
    ...(first.uncertainEventIds !== undefined && { uncertainEventIds: first.uncertainEventIds }),
    deliveredEventIds: first.deliveredEventIds.map((event) =>
      event.startsWith(first.record.id) ? id + event.slice(first.record.id.length) : event,
    ),
    refusedEventIds: eventsOf(first.record.id, first.refusedEventIds).map((event) => id + event),
  }
}

/** Events of a record that the sink has: those that arrived in this batch, and those from before it. */
function deliveredEvents(
  batchId: string,
  { record, deliveredEventIds }: BatchEntry,
): { readonly ofBatch: readonly string[]; readonly earlier: readonly string[] } {
  if (deliveredEventIds.length === 0) return { ofBatch: [], earlier: [] }
  const ofBatch = eventsOf(batchId, deliveredEventIds).toSorted()
  const earlier = eventsOf(record.id, deliveredEventIds).filter((event) => !ofBatch.includes(event))
  return { ofBatch, earlier: earlier.toSorted() }
}

/** The ids among these that begin so, without that. */
function eventsOf(id: string, eventIds: readonly string[] = []): readonly string[] {
  return eventIds.flatMap((event) => (event.startsWith(id) ? event.slice(id.length) : []))
}

function commonParts(record: UsageRecord, windowMs: number): readonly unknown[] {
  const { customer, provider, model, endpoint, serviceTier, attributes, details, tokens } = record
  const isLarge = tokenTypes.some(({ count }) => tokens[count] > largestCount)
  return [
    customer,
    provider,
    model,
    endpoint,
    serviceTier,
    Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    priceDetails(details),
    isLarge ? record.id : Math.floor(record.at / windowMs),
    // What has no cost makes no sum of costs wrong.
    ...(isKeptWithCost(record) ? ['priced'] : []),
    // Never with what is billed.
    ...(record.unbilled === undefined ? [] : [{ unbilled: record.unbilled }]),
    ...(record.livemode === false ? ['test'] : []),
  ]
}

/** From the one that can be trusted least. */
const weakestFirst: readonly UsageOutcome[] = ['estimated', 'partial', 'complete']

/**
 * One record in place of several of one customer and price: counts and quantities are their sums,
 * the outcome is the weakest, `at` the latest. It says of how many requests it is the sum, and has
 * no `raw` and no ids of the provider's.
 */
export function sumOfRecords(
  id: string,
  records: readonly [UsageRecord, ...UsageRecord[]],
): UsageRecord {
  const [first] = records
  // Records of before a token type was added have no count of it.
  const tokens = mapCounts((count) =>
    records.reduce((sum, record) => sum + (record.tokens[count] ?? 0), 0),
  )
  let { at } = first
  for (const record of records) at = Math.max(at, record.at)
  const { requestedModel, cost: _, responseId: __, requestId: ___, parts, ...common } = first
  const cost = sumOfCosts(records.map((record) => record.cost))
  return {
    ...common,
    id,
    requestedModel: records.every((record) => record.requestedModel === requestedModel)
      ? requestedModel
      : null,
    tokens,
    ...(records.length > 1 ? { requests: sumOfRequests(records) } : parts && { parts }),
    details: sumOfDetails(records),
    outcome:
      weakestFirst.find((outcome) => records.some((record) => record.outcome === outcome)) ??
      first.outcome,
    at,
    ...(cost !== undefined && { cost }),
    raw: null,
  }
}

function sumOfRequests(records: readonly UsageRecord[]): number | null {
  let sum = 0
  for (const { requests = 1 } of records) {
    if (requests === null) return null
    sum += requests
  }
  return sum
}

/** Numbers are added, lists joined; of texts, which are the same in all or name one call, one stays. */
function sumOfDetails(records: readonly UsageRecord[]): UsageDetails {
  const sums: Record<string, unknown> = {}
  for (const { details } of records) {
    for (const [name, value] of Object.entries(details) as [string, unknown][]) {
      const sum = sums[name]
      if (typeof value === 'number') sums[name] = typeof sum === 'number' ? plus(sum, value) : value
      else if (Array.isArray(value))
        sums[name] = [...new Set([...(Array.isArray(sum) ? sum : []), ...value])]
      else if (!(name in oneCallOnly)) sums[name] = value
    }
  }
  return sums
}

/** Amounts of money have no exact sum as floats. */
function plus(one: number, other: number): number {
  const sum = one + other
  if (Number.isInteger(sum)) return sum
  return (
    decimal(one)
      ?.plus(decimal(other) ?? 0)
      .toNumber() ?? sum
  )
}

/** Details that mean one call and nothing to a sum. */
const oneCallOnly = { gatewayCallId: true }

/** The details that say at which price, so that only what has the same can be summed. */
function priceDetails(details: UsageDetails): readonly (readonly [string, unknown])[] {
  return Object.entries(details)
    .filter(([name, value]) => saysPrice(value) && !(name in oneCallOnly))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function saysPrice(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean'
}
