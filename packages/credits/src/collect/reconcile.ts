/**
 * Compares what stands in different places: the books with their entries, the entries with the
 * records of the outbox, the grants with those of a backend. Changes nothing.
 */
import type { CostCalculator } from '@token-meter/core/cost'
import type { LedgerEntry, Outbox, RecordState, UsageRecord } from '@token-meter/core/outbox'
import { formatAmount, type Unit } from '../amount.ts'
import type { AccountRow, EntryRow } from '../books/rows.ts'
import { shownGrant } from '../shown.ts'
import type { CollectStore } from './collect-store.ts'
import { creditsSink } from './cursor.ts'
import { chargeOf } from './late-charges.ts'
import { erasedPrefix } from '../books/erased.ts'
import type { ChargedSums, CreditsReport, MirrorState, RecordDifference } from './report.ts'

const pageSize = 500

export interface ReconcileOptions {
  readonly outbox: Outbox
  readonly store: CollectStore
  readonly cost: CostCalculator | undefined
  readonly fromMs: number
  readonly untilMs: number
  readonly isRestored: boolean
  /** What does not add up inside the books. */
  readonly problems: readonly string[]
  /** What a backend calls the grants of an account that it has. */
  readonly mirrorsOf: (account: number) => Promise<ReadonlyMap<number, string>>
}

interface Charged {
  amount: bigint
  at: number
}

/** An account with what its records were charged in all. */
interface OfAccount {
  readonly account: AccountRow
  readonly byRecord: Map<string, Charged>
  lease: bigint
  covered: bigint
  billed: bigint
  expected: bigint
}

export async function reconcile(options: ReconcileOptions): Promise<CreditsReport> {
  const { outbox, store, isRestored, mirrorsOf, problems } = options
  const mirrors: MirrorState[] = []
  const all = new Map<string, OfAccount[]>()
  for await (const account of accountsOf(store)) {
    const rows = await store.everythingOf(account)
    const own = chargesOf(account, rows.entries, options)
    all.set(account.customer, [...(all.get(account.customer) ?? []), own])
    if (account.collect !== 'mirror') continue
    const known = await mirrorsOf(account.id)
    for (const grant of rows.grants) {
      const { customer, unit } = account
      const mirror = known.get(grant.id) ?? null
      mirrors.push({ customer, unit, grant: shownGrant(grant, unit), mirror })
    }
  }
  const differences: RecordDifference[] = []
  let waiting = 0
  for await (const entry of recordsOf(options)) {
    if (entry.state === 'pending') waiting++
    if (entry.record.customer === null) continue
    for (const own of all.get(entry.record.customer) ?? []) {
      const difference = compare(own, entry, options)
      if (difference !== undefined) differences.push(difference)
    }
  }
  const left = [...all.values()].flat()
  for (const own of left) differences.push(...(await withoutRecord(own, outbox)))
  const sums = (['usd', 'tokens'] as const).flatMap((unit) => sumsOf(unit, left))
  const unmirrored = mirrors.some(
    ({ mirror, grant: { state } }) =>
      mirror === null && (state === 'active' || state === 'scheduled'),
  )
  const isClean = problems.length + differences.length + waiting === 0 && !isRestored && !unmirrored
  return { isClean, isRestored, problems, differences, sums, waiting, mirrors }
}

async function* accountsOf(store: CollectStore): AsyncGenerator<AccountRow> {
  for (let after = 0; ;) {
    const page = await store.accounts(after, pageSize)
    yield* page
    const last = page.at(-1)
    if (last === undefined) return
    after = last.id
  }
}

async function* recordsOf({
  outbox,
  fromMs,
  untilMs,
}: ReconcileOptions): AsyncGenerator<LedgerEntry> {
  for (let after: number | undefined; ;) {
    const times = {
      ...(fromMs > -Infinity && { fromMs }),
      ...(untilMs < Infinity && { untilMs }),
    }
    const query = { ...times, limit: pageSize, ...(after !== undefined && { after }) }
    const page = await outbox.ledger(creditsSink, query)
    yield* page.entries
    if (page.next === undefined) return
    after = page.next
  }
}

/** What each record was charged, less what was taken back; and what leases were, in the time. */
function chargesOf(
  account: AccountRow,
  entries: readonly EntryRow[],
  { fromMs, untilMs }: ReconcileOptions,
): OfAccount {
  const byRecord = new Map<string, Charged>()
  let lease = 0n
  for (const { kind, key, record, amount, at } of entries) {
    const isBack = kind === 'reversal' || kind === 'expiry'
    const isOfLease = kind === 'lease' || (isBack && key.startsWith('reversal:lease:'))
    if (isOfLease && at >= fromMs && at < untilMs && kind !== 'expiry') lease -= amount
    if (record === null || !(kind === 'usage' || kind === 'reversal')) continue
    const one = byRecord.get(record) ?? { amount: 0n, at }
    one.amount -= amount
    byRecord.set(record, one)
  }
  return { account, byRecord, lease, covered: 0n, billed: 0n, expected: 0n }
}

function compare(
  own: OfAccount,
  { record, state }: LedgerEntry,
  { cost }: ReconcileOptions,
): RecordDifference | undefined {
  const { account, byRecord } = own
  const charged = byRecord.get(record.id)?.amount ?? 0n
  const isCharged = byRecord.delete(record.id)
  // Not yet, or not at all: what is held is test usage.
  if (state === 'pending' || state === 'held' || state === 'dead') return undefined
  if (state === 'covered') own.covered += charged
  else own.billed += charged
  if (!isCharged && record.at < account.createdAt) return undefined
  const [due] = chargeOf(record, account, cost)
  const of = differenceOf(account, record, charged)
  if (due === undefined) return of('unpriced')
  if (charged === due.amount) {
    own.expected += due.amount
    return undefined
  }
  if (charged === 0n)
    return isPaidElsewhere(state, isCharged) ? undefined : of('uncharged', due.amount)
  own.expected += due.amount
  return of('amount', due.amount)
}

/** It was charged and taken back, because the sinks that bill have given it up. */
function isPaidElsewhere(state: RecordState, isCharged: boolean): boolean {
  return state !== 'covered' && isCharged
}

function differenceOf(
  { customer, unit }: AccountRow,
  record: Pick<UsageRecord, 'id'>,
  charged: bigint,
) {
  return (kind: RecordDifference['kind'], expected?: bigint): RecordDifference => ({
    kind,
    record: record.id,
    customer,
    unit,
    charged: formatAmount(charged, unit),
    ...(expected !== undefined && { expected: formatAmount(expected, unit) }),
  })
}

/** Charges of which no record was met: it is somebody else's, of another time, or not kept. */
async function withoutRecord(
  { account, byRecord }: OfAccount,
  outbox: Outbox,
): Promise<readonly RecordDifference[]> {
  const found: RecordDifference[] = []
  for (const [id, { amount }] of byRecord) {
    if (amount === 0n) continue
    const record = await outbox.find(id)
    const of = differenceOf(account, { id }, amount)
    if (record === undefined) found.push(of('no-record'))
    else if (record.customer !== null && record.customer !== account.customer) {
      if (!isErased(account)) found.push(of('overcharged', 0n))
    }
  }
  return found
}

function isErased({ customer }: AccountRow): boolean {
  return customer.startsWith(erasedPrefix)
}

function sumsOf(unit: Unit, all: readonly OfAccount[]): readonly ChargedSums[] {
  const own = all.filter(({ account }) => account.unit === unit)
  if (own.length === 0) return []
  const sum = (name: 'covered' | 'billed' | 'lease' | 'expected') =>
    formatAmount(
      own.reduce((total, one) => total + one[name], 0n),
      unit,
    )
  return [
    {
      unit,
      covered: sum('covered'),
      billed: sum('billed'),
      lease: sum('lease'),
      expected: sum('expected'),
    },
  ]
}
