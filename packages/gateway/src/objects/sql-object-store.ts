import type { Row, Statement, Tables, TableSet } from '../store/tables.ts'
import type { ObjectRow, ObjectStore } from './object-store.ts'

export const objectTables: TableSet = {
  name: 'gateway-objects',
  migrations: [
    [
      `CREATE TABLE {gateway_objects} (
        upstream text NOT NULL,
        id text NOT NULL,
        owner text NOT NULL,
        kept_ms double precision NOT NULL,
        expires_at double precision NOT NULL,
        PRIMARY KEY (upstream, id)
      )`,
      `CREATE INDEX gateway_objects_expire ON {gateway_objects} (expires_at)`,
    ],
  ],
}

/** How many are asked for or written by one statement. */
const maxRows = 50

export function sqlObjectStore(tables: Tables): ObjectStore {
  return {
    async add(upstream, rows, now) {
      // In one order, so that two who add the same wait for each other in turn.
      const sorted = rows.toSorted((a, b) => (a.id < b.id ? -1 : 1))
      await tables.write(
        ...inParts(sorted).map((part): Statement => {
          const places = part.map((_, index) => {
            const [id, owner, kept, expires] = [3, 4, 5, 6].map((first) => first + index * 4)
            return `($1, $${id}, $${owner}, $${kept}, $${expires})`
          })
          const values = part.flatMap(({ id, owner, keptMs, expiresAt }) => {
            return [id, owner, keptMs, expiresAt]
          })
          const sql = `INSERT INTO {gateway_objects} AS kept (upstream, id, owner, kept_ms, expires_at)
            VALUES ${places.join(', ')} ON CONFLICT (upstream, id) DO UPDATE
            SET owner = excluded.owner, kept_ms = excluded.kept_ms, expires_at = excluded.expires_at
            WHERE kept.expires_at <= $2`
          return [sql, [upstream, now, ...values]]
        }),
      )
    },
    async find(upstream, ids) {
      const found: ObjectRow[] = []
      for (const part of inParts(ids)) {
        const places = part.map((_, index) => `$${index + 2}`).join(', ')
        const sql = `SELECT * FROM {gateway_objects} WHERE upstream = $1 AND id IN (${places})`
        found.push(...(await tables.read(sql, [upstream, ...part])).map(toObject))
      }
      return found
    },
    async extend(upstream, rows) {
      const sql = `UPDATE {gateway_objects} SET expires_at = $3
        WHERE upstream = $1 AND id = $2 AND expires_at < $3`
      const sorted = rows.toSorted((a, b) => (a.id < b.id ? -1 : 1))
      await tables.write(
        ...sorted.map(({ id, expiresAt }): Statement => [sql, [upstream, id, expiresAt]]),
      )
    },
    async prune(now) {
      await tables.write(['DELETE FROM {gateway_objects} WHERE expires_at <= $1', [now]])
    },
  }
}

function inParts<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const parts: (readonly Item[])[] = []
  for (let from = 0; from < items.length; from += maxRows)
    parts.push(items.slice(from, from + maxRows))
  return parts
}

function toObject(row: Row): ObjectRow {
  return {
    id: String(row['id']),
    owner: String(row['owner']),
    keptMs: Number(row['kept_ms']),
    expiresAt: Number(row['expires_at']),
  }
}
