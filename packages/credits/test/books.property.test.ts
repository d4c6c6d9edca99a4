import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AllRows, assertBalanced } from '../src/books/check-books.ts'
import { MemoryRows } from '../src/books/memory-rows.ts'
import { SqliteRows } from '../src/books/sqlite-rows.ts'
import { prepareCreditSchema } from '../src/books/sqlite-schema.ts'
import { operations, run } from './random-operations.ts'

/** What a record was charged once is what it costs, however often and from whatever it was taken. */
function assertCharged({ entries, endedHolds }: AllRows): void {
  const total = (of: (entry: AllRows['entries'][number]) => boolean) =>
    entries.filter(of).reduce((sum, { amount }) => sum + amount, 0n)
  for (const { id } of endedHolds) {
    const lease = total(({ key }) => new RegExp(`^(reversal:)?lease:${id}(:|$)`).test(key))
    const expired = total(
      ({ key, kind }) => kind === 'expiry' && key.startsWith(`reversal:lease:${id}:`),
    )
    expect(lease - expired, `lease of ${id}`).toBe(0n)
  }
}

test('books balance whatever is done, doing it again changes nothing, and all stores write the same', () => {
  fc.assert(
    fc.property(fc.array(operations, { minLength: 20, maxLength: 80, size: 'max' }), (all) => {
      const memory = new MemoryRows()
      const database = new DatabaseSync(':memory:')
      prepareCreditSchema(database)
      const sqlite = new SqliteRows(database)
      const costs = new Map<string, bigint>()
      let at = 0
      for (const one of all) {
        if (one.op === 'wait') at += one.ms
        const answer = run(memory, one, at)
        expect(run(sqlite, one, at)).toEqual(answer)
        sqlite.end()
        if (one.op === 'charge' && answer === true) costs.set(`r${one.id}`, one.amount)
        const written = memory.all()
        assertBalanced(written)
        assertCharged(written)
        expect(sqlite.all()).toEqual(written)
        const before = text(written)
        run(memory, one, at)
        expect(text(memory.all())).toBe(before)
        run(sqlite, one, at)
        sqlite.end()
      }
      for (const [record, cost] of costs) {
        const taken = memory
          .all()
          .entries.filter((entry) => entry.record === record && entry.kind === 'usage')
          .reduce((sum, { amount }) => sum - amount, 0n)
        expect(taken).toBe(cost)
      }
      database.close()
    }),
    { numRuns: 200 },
  )
}, 120_000)

function text(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
}
