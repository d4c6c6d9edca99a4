import type { KeyRow, KeyStore } from './key-store.ts'

export function memoryKeyStore(): KeyStore {
  const rows = new Map<string, KeyRow>()
  const isTaken = ({ id, options }: KeyRow) =>
    options.alias !== undefined &&
    [...rows.values()].some((other) => other.id !== id && other.options.alias === options.alias)
  return {
    get: async (id) => rows.get(id),
    async add(row) {
      if (rows.has(row.id) || isTaken(row)) return false
      rows.set(row.id, row)
      return true
    },
    async replace(row) {
      const before = rows.get(row.id)
      if (before?.version !== row.version - 1 || isTaken(row)) return false
      rows.set(row.id, { ...row, lastUsedAt: before.lastUsedAt })
      return true
    },
    hasAlias: async (alias) => [...rows.values()].some(({ options }) => options.alias === alias),
    remove: async (ids) => [...new Set(ids)].filter((id) => rows.delete(id)),
    async list({ userId, teamId, customer, alias, limit, offset }) {
      const asked = Object.entries({ userId, teamId, customer, alias } as const)
      const found = [...rows.values()]
        .filter(({ options }) =>
          asked.every(
            ([name, value]) => value === undefined || options[name as 'userId'] === value,
          ),
        )
        .toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))
      return { rows: found.slice(offset, offset + limit), count: found.length }
    },
    async used(times) {
      for (const [id, at] of times) {
        const row = rows.get(id)
        if (row !== undefined && (row.lastUsedAt ?? 0) < at)
          rows.set(id, { ...row, lastUsedAt: at })
      }
    },
  }
}
