import type { ObjectRow, ObjectStore } from './object-store.ts'

export function memoryObjectStore(): ObjectStore {
  const byUpstream = new Map<string, Map<string, ObjectRow>>()
  const of = (upstream: string): Map<string, ObjectRow> => {
    const rows = byUpstream.get(upstream) ?? new Map<string, ObjectRow>()
    byUpstream.set(upstream, rows)
    return rows
  }
  return {
    async add(upstream, rows, now) {
      for (const row of rows) {
        const before = of(upstream).get(row.id)
        if (before === undefined || before.expiresAt <= now) of(upstream).set(row.id, row)
      }
    },
    find: async (upstream, ids) => ids.flatMap((id) => of(upstream).get(id) ?? []),
    async extend(upstream, rows) {
      for (const { id, expiresAt } of rows) {
        const row = of(upstream).get(id)
        if (row !== undefined && row.expiresAt < expiresAt)
          of(upstream).set(id, { ...row, expiresAt })
      }
    },
    async prune(now) {
      for (const rows of byUpstream.values()) {
        for (const [id, { expiresAt }] of rows) if (expiresAt <= now) rows.delete(id)
      }
    },
  }
}
