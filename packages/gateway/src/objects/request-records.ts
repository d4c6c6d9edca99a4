/**
 * Which records a request has led to, where they have other ids than it: several models that answered, a
 * response whose id says what its record is called.
 */
import type { Outbox } from '@token-meter/core/outbox'
import { openTables, placeOf, type Statement, type Tables, type TableSet } from '../store/tables.ts'

export interface RequestRecords {
  add(request: string, records: readonly string[], expiresAt: number): Promise<void>
  of(request: string): Promise<readonly string[]>
  /** Forgets those whose time is over. */
  prune(now: number): Promise<void>
}

const requestTables: TableSet = {
  name: 'gateway-requests',
  migrations: [
    [
      `CREATE TABLE {gateway_requests} (
        request text NOT NULL,
        record text NOT NULL,
        expires_at double precision NOT NULL,
        PRIMARY KEY (request, record)
      )`,
      `CREATE INDEX gateway_requests_expire ON {gateway_requests} (expires_at)`,
    ],
  ],
}

/** @throws ConfigError for an outbox that has no place for it. */
export function openRequestRecords(outbox: Outbox): RequestRecords {
  const tables = openTables(outbox, requestTables)
  if (tables !== undefined) return inSql(tables)
  const place = placeOf(outbox)
  const records = inMemory.get(place) ?? memoryRecords()
  inMemory.set(place, records)
  return records
}

const inMemory = new WeakMap<object, RequestRecords>()

function inSql(tables: Tables): RequestRecords {
  return {
    async add(request, records, expiresAt) {
      const sql = `INSERT INTO {gateway_requests} (request, record, expires_at)
        VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
      await tables.write(
        ...records.toSorted().map((record): Statement => [sql, [request, record, expiresAt]]),
      )
    },
    async of(request) {
      const sql = 'SELECT record FROM {gateway_requests} WHERE request = $1 ORDER BY record'
      return (await tables.read(sql, [request])).map((row) => String(row['record']))
    },
    async prune(now) {
      await tables.write(['DELETE FROM {gateway_requests} WHERE expires_at <= $1', [now]])
    },
  }
}

function memoryRecords(): RequestRecords {
  const kept = new Map<string, { readonly records: Set<string>; readonly expiresAt: number }>()
  return {
    async add(request, records, expiresAt) {
      const before = kept.get(request)?.records ?? []
      kept.set(request, { records: new Set([...before, ...records]), expiresAt })
    },
    of: async (request) => [...(kept.get(request)?.records ?? [])].toSorted(),
    async prune(now) {
      for (const [request, { expiresAt }] of kept) if (expiresAt <= now) kept.delete(request)
    },
  }
}
