import type { Row, Tables, TableSet, Value } from '../store/tables.ts'
import type { KeyOptions } from './key.ts'
import type { KeyRow, KeyStore } from './key-store.ts'

export const keyTables: TableSet = {
  name: 'gateway-keys',
  migrations: [
    [
      `CREATE TABLE {gateway_keys} (
        id text PRIMARY KEY,
        hash text NOT NULL,
        old_hash text,
        old_until double precision,
        alias text UNIQUE,
        user_id text,
        team_id text,
        customer text,
        options text NOT NULL,
        blocked integer NOT NULL,
        created_at double precision NOT NULL,
        updated_at double precision NOT NULL,
        last_used_at double precision,
        version integer NOT NULL
      )`,
      `CREATE INDEX gateway_keys_created ON {gateway_keys} (created_at)`,
    ],
  ],
}

const written = [
  'id',
  'hash',
  'old_hash',
  'old_until',
  'alias',
  'user_id',
  'team_id',
  'customer',
  'options',
  'blocked',
  'created_at',
  'updated_at',
  'version',
] as const

export function sqlKeyStore(tables: Tables): KeyStore {
  const placed = written.map((name, index) => [name, `$${index + 1}`] as const)
  const add = `INSERT INTO {gateway_keys} (${written.join(', ')})
    VALUES (${placed.map(([, place]) => place).join(', ')})
    ON CONFLICT DO NOTHING RETURNING id`
  const replace = `UPDATE {gateway_keys} SET ${placed.map((each) => each.join(' = ')).join(', ')}
    WHERE id = $1 AND version = $${written.length} - 1 AND NOT EXISTS (
      SELECT 1 FROM {gateway_keys} AS other WHERE other.alias = $5 AND other.id <> $1)
    RETURNING id`
  return {
    async get(id) {
      const [row] = await tables.read('SELECT * FROM {gateway_keys} WHERE id = $1', [id])
      return row && toKey(row)
    },
    async add(row) {
      const [rows] = await tables.write([add, valuesOf(row)])
      return rows?.length === 1
    },
    async replace(row) {
      const [rows] = await tables.write([replace, valuesOf(row)])
      return rows?.length === 1
    },
    async hasAlias(alias) {
      const rows = await tables.read('SELECT id FROM {gateway_keys} WHERE alias = $1', [alias])
      return rows.length > 0
    },
    async remove(ids) {
      if (ids.length === 0) return []
      const sql = 'DELETE FROM {gateway_keys} WHERE id = $1 RETURNING id'
      // In one order, so that two who delete the same wait for each other in turn.
      const sorted = [...new Set(ids)].toSorted()
      const removed = await tables.write(...sorted.map((id) => [sql, [id]] as const))
      return removed.flat().map((row) => String(row['id']))
    },
    async list({ userId, teamId, customer, alias, limit, offset }) {
      const asked = Object.entries({ user_id: userId, team_id: teamId, customer, alias }).filter(
        (each): each is [string, string] => each[1] !== undefined,
      )
      const conditions = asked.map(([name], index) => `${name} = $${index + 1}`)
      const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
      const values = asked.map(([, value]) => value)
      const [count] = await tables.read(
        `SELECT count(*) AS count FROM {gateway_keys} ${where}`,
        values,
      )
      const rows = await tables.read(
        `SELECT * FROM {gateway_keys} ${where} ORDER BY created_at DESC, id
         LIMIT $${values.length + 1} OFFSET $${values.length + 2}`,
        [...values, limit, offset],
      )
      return { rows: rows.map(toKey), count: Number(count?.['count']) }
    },
    async used(times) {
      const sql = `UPDATE {gateway_keys} SET last_used_at = $2
        WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)`
      const sorted = [...times].toSorted(([a], [b]) => (a < b ? -1 : 1))
      await tables.write(...sorted.map((each) => [sql, each] as const))
    },
  }
}

function valuesOf(row: KeyRow): readonly Value[] {
  const { alias, userId, teamId, customer } = row.options
  return [
    row.id,
    row.hash,
    row.oldHash,
    row.oldUntil,
    alias ?? null,
    userId ?? null,
    teamId ?? null,
    customer ?? null,
    JSON.stringify(row.options),
    Number(row.isBlocked),
    row.createdAt,
    row.updatedAt,
    row.version,
  ]
}

function toKey(row: Row): KeyRow {
  const time = (name: string) => (row[name] === null ? null : Number(row[name]))
  return {
    id: String(row['id']),
    hash: String(row['hash']),
    oldHash: row['old_hash'] as string | null,
    oldUntil: time('old_until'),
    options: JSON.parse(String(row['options'])) as KeyOptions,
    isBlocked: Number(row['blocked']) === 1,
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
    lastUsedAt: time('last_used_at'),
    version: Number(row['version']),
  }
}
