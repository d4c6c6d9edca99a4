/** Rows as they come out of a database: whole numbers as text or `bigint`, JSON as text or parsed. */
import type { Unit } from '../amount.ts'
import type { ObjectKind, ObjectRow, ObjectState } from './objects.ts'
import type {
  AccountRow,
  Allocation,
  Collect,
  EndedHold,
  EntryKind,
  EntryRow,
  GrantKind,
  GrantRow,
  GrantState,
  HoldRow,
  PoolPeriod,
  PoolRow,
} from './rows.ts'

export type Columns = Readonly<Record<string, unknown>>

type Whole = string | bigint

function fromJson(value: unknown): unknown {
  return typeof value === 'string' ? (JSON.parse(value) as unknown) : value
}

export function toAccount(row: Columns): AccountRow {
  return {
    id: Number(row['id']),
    customer: row['customer'] as string,
    unit: row['unit'] as Unit,
    stripeAccount: row['stripe_account'] as string,
    collect: row['collect'] as Collect,
    debt: BigInt(row['debt'] as Whole),
    nextDueAt: row['next_due_at'] as number | null,
    blocked: row['blocked'] as string | null,
    lastEntry: Number(row['last_entry'] ?? 0),
    createdAt: row['created_at'] as number,
  }
}

export function toGrant(row: Columns): GrantRow {
  return {
    id: Number(row['id']),
    account: Number(row['account']),
    amount: BigInt(row['amount'] as Whole),
    remaining: BigInt(row['remaining'] as Whole),
    held: BigInt(row['held'] as Whole),
    revoked: BigInt(row['revoked'] as Whole),
    state: row['state'] as GrantState,
    priority: Number(row['priority']),
    kind: row['kind'] as GrantKind,
    effectiveAt: row['effective_at'] as number,
    expiresAt: row['expires_at'] as number | null,
    source: row['source'] as string | null,
    idempotencyKey: row['idempotency_key'] as string,
    createdAt: row['created_at'] as number,
  }
}

export function toHold(row: Columns): HoldRow {
  const allocated = fromJson(row['allocation']) as readonly (readonly [number, string])[]
  return {
    id: row['id'] as string,
    account: Number(row['account']),
    amount: BigInt(row['amount'] as Whole),
    floor: BigInt(row['floor'] as Whole),
    allocation: allocated.map(([grant, part]): Allocation => [grant, BigInt(part)]),
    pools: toPools(row['pools']) ?? [],
    isNamed: Number(row['named']) === 1,
    job: row['job'] as string | null,
    leaseUntil: row['lease_until'] as number,
    createdAt: row['created_at'] as number,
  }
}

export function toEndedHold(row: Columns): EndedHold {
  const amount = BigInt(row['amount'] as Whole)
  return { id: row['id'] as string, account: Number(row['account']), amount }
}

function toPools(value: unknown): readonly PoolPeriod[] | null {
  return value === null ? null : (fromJson(value) as readonly PoolPeriod[])
}

export function toPool(row: Columns): PoolRow {
  return {
    pool: row['pool'] as string,
    period: row['period'] as string,
    limit: BigInt(row['limit'] as Whole),
    carried: BigInt(row['carried'] as Whole),
    spent: BigInt(row['spent'] as Whole),
    held: BigInt(row['held'] as Whole),
  }
}

export function toObject(row: Columns): ObjectRow {
  return {
    account: Number(row['account']),
    id: row['id'] as string,
    kind: row['kind'] as ObjectKind,
    state: fromJson(row['state']) as ObjectState,
    version: Number(row['version']),
    dueAt: row['due_at'] as number | null,
    at: row['at'] as number,
  }
}

export function toEntry(row: Columns): EntryRow {
  const grant = row['grant_id']
  return {
    id: Number(row['id']),
    account: Number(row['account']),
    grant: grant === null ? null : Number(grant),
    kind: row['kind'] as EntryKind,
    amount: BigInt(row['amount'] as Whole),
    key: row['key'] as string,
    hold: row['hold'] as string | null,
    record: row['record'] as string | null,
    pools: toPools(row['pools']),
    ref: row['ref'] as string | null,
    actor: row['actor'] as string,
    at: row['at'] as number,
  }
}
