import type { AskSql } from '@token-meter/core/outbox'
import type { WrittenRows } from './changed-rows.ts'
import type { ObjectRow } from './objects.ts'
import type { AccountRow, GrantRow, HoldRow } from './rows.ts'

/** All of it in one statement. Rows are JSON: one parameter for however many, with amounts as text. */
export async function writeRows(ask: AskSql, schema: string, written: WrittenRows): Promise<void> {
  if (Object.values(written).every((rows: readonly unknown[]) => rows.length === 0)) return
  const grants = `id bigint, account bigint, amount bigint, remaining bigint, held bigint, revoked bigint,
    state text, priority integer, kind text, effective_at double precision, expires_at double precision,
    source text, idempotency_key text, created_at double precision`
  const holds = `id text, account bigint, amount bigint, floor bigint, allocation jsonb, pools jsonb,
    named integer, job text, state text, lease_until double precision, created_at double precision`
  const ended = `id text, account bigint, amount bigint, named integer`
  const pools = `pool text, period text, "limit" bigint, carried bigint, spent bigint, held bigint`
  const entries = `account bigint, id bigint, grant_id bigint, kind text, amount bigint, key text,
    hold text, record text, pools jsonb, ref text, actor text, at double precision`
  const objects = `account bigint, id text, kind text, state jsonb, version integer,
    due_at double precision, at double precision`
  const names = (columns: string) =>
    columns
      .split(',')
      .map((column) => column.trim().split(' ', 1)[0])
      .join(', ')
  const given = (parameter: number, columns: string) =>
    `jsonb_to_recordset($${parameter}::jsonb) AS given (${columns})`
  const add = (table: string, parameter: number, columns: string) =>
    `INSERT INTO ${schema}.${table} (${names(columns)}) SELECT * FROM ${given(parameter, columns)}`
  const texts = (rows: readonly object[]) =>
    JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  await ask(
    `WITH a AS (
      UPDATE ${schema}.credit_accounts AS one SET debt = given.debt, next_due_at = given.next_due_at,
        blocked = given.blocked
      FROM jsonb_to_recordset($1::jsonb) AS given (id bigint, debt bigint,
        next_due_at double precision, blocked text)
      WHERE one.id = given.id
    ), g AS (
      UPDATE ${schema}.credit_grants AS one SET remaining = given.remaining, held = given.held,
        revoked = given.revoked, state = given.state
      FROM ${given(2, grants)} WHERE one.id = given.id
    ), ng AS (${add('credit_grants', 3, grants)}
    ), h AS (
      UPDATE ${schema}.credit_holds AS one SET amount = given.amount, allocation = given.allocation,
        job = given.job, state = given.state, lease_until = given.lease_until
      FROM ${given(4, holds)} WHERE one.id = given.id
    ), nh AS (${add('credit_holds', 5, holds)}
    ), eh AS (
      DELETE FROM ${schema}.credit_holds AS one USING ${given(9, ended)} WHERE one.id = given.id
    ), en AS (
      INSERT INTO ${schema}.credit_ended_holds (id, account, amount)
      SELECT id, account, amount FROM ${given(9, ended)} WHERE named = 1
    ), p AS (
      UPDATE ${schema}.credit_pools AS one
      SET "limit" = given."limit", spent = given.spent, held = given.held
      FROM ${given(6, pools)} WHERE one.pool = given.pool AND one.period = given.period
    ), np AS (${add('credit_pools', 7, pools)}
    ), o AS (${add('credit_objects', 10, objects)}
      ON CONFLICT (account, id) DO UPDATE
      SET state = excluded.state, version = excluded.version, due_at = excluded.due_at, at = excluded.at
    ) ${add('credit_entries', 8, entries)}`,
    [
      texts(written.accounts.map(fromAccount)),
      texts(written.grants.map(fromGrant)),
      texts(written.newGrants.map(fromGrant)),
      texts(written.holds.map(fromHold)),
      texts(written.newHolds.map(fromHold)),
      texts(written.pools),
      texts(written.newPools),
      texts(written.entries.map(({ grant, ...entry }) => ({ ...entry, grant_id: grant }))),
      texts(written.endedHolds.map(fromHold)),
      texts(written.objects.map(fromObject)),
    ],
  )
}

function fromAccount({ id, debt, nextDueAt, blocked }: AccountRow) {
  return { id, debt, next_due_at: nextDueAt, blocked }
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
