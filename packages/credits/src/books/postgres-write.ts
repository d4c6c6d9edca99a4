import type { AskSql } from '@token-meter/core/outbox'
import type { WrittenRows } from './changed-rows.ts'
import type { ObjectRow } from './objects.ts'
import { writtenParameters } from './postgres-functions.ts'
import type { AccountRow, EntryRow, GrantRow, HoldRow } from './rows.ts'

/** All of it in one round trip. Rows are JSON: one parameter for however many, with amounts as text. */
export async function writeRows(ask: AskSql, schema: string, written: WrittenRows): Promise<void> {
  const rows: Readonly<Record<keyof WrittenRows, readonly object[]>> = {
    accounts: written.accounts.map(fromAccount),
    grants: written.grants.map(fromGrant),
    newGrants: written.newGrants.map(fromGrant),
    holds: written.holds.map(fromHold),
    newHolds: written.newHolds.map(fromHold),
    endedHolds: written.endedHolds.map(fromHold),
    pools: written.pools,
    newPools: written.newPools,
    entries: written.entries.map(fromEntry),
    objects: written.objects.map(fromObject),
  }
  const texts = writtenParameters.map((name) =>
    rows[name].length === 0 ? null : JSON.stringify(rows[name], amountAsText),
  )
  if (texts.every((text) => text === null)) return
  const places = texts.map((_, index) => `$${index + 1}::jsonb`)
  await ask(`SELECT ${schema}.credit_write(${places.join(', ')})`, texts)
}

function amountAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

function fromEntry({ grant, ...entry }: EntryRow) {
  return { ...entry, grant_id: grant }
}

function fromAccount({ id, debt, nextDueAt, blocked, collect }: AccountRow) {
  return { id, debt, next_due_at: nextDueAt, blocked, collect }
}

function fromGrant({ effectiveAt, expiresAt, idempotencyKey, createdAt, ...grant }: GrantRow) {
  const times = { effective_at: effectiveAt, expires_at: expiresAt, created_at: createdAt }
  return { ...grant, ...times, idempotency_key: idempotencyKey }
}

function fromObject({ dueAt, ...object }: ObjectRow) {
  return { ...object, due_at: dueAt }
}

function fromHold({ leaseUntil, createdAt, isNamed, pools, ...hold }: HoldRow) {
  const times = { lease_until: leaseUntil, created_at: createdAt }
  return { ...hold, ...times, named: Number(isNamed), pools: pools.length === 0 ? null : pools }
}
