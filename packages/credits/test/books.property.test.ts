import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { type AllRows, assertBalanced } from '../src/books/check-books.ts'
import { MemoryRows } from '../src/books/memory-rows.ts'
import { SqliteRows } from '../src/books/sqlite-rows.ts'
import { prepareCreditSchema } from '../src/books/sqlite-schema.ts'
import {
  interrupted,
  Interrupted,
  isDoneOnce,
  payAll,
  recordProblems,
  type Operation,
  operations,
  run,
} from './random-operations.ts'

/** What a record was charged once is what it costs, however often and from whatever it was taken. */
function assertCharged({ entries, endedHolds }: AllRows): void {
  const total = (of: (entry: AllRows['entries'][number]) => boolean) =>
    entries.filter(of).reduce((sum, { amount }) => sum + amount, 0n)
  for (const { id } of endedHolds) {
    const isOfHold = (entry: AllRows['entries'][number]) => entry.hold === id
    const isLeaseOver = entries.some(({ key }) => key === `lease:${id}`)
    const isTakenBack = entries.some(({ key }) => key === `reversal:lease:${id}`)
    // It ends once: by its lease, or by its records.
    if (isLeaseOver && !isTakenBack) {
      expect(entries.filter((entry) => isOfHold(entry) && entry.kind === 'usage')).toEqual([])
      continue
    }
    const lease = total(({ key }) => new RegExp(`^(reversal:)?lease:${id}(:|$)`).test(key))
    const expired = total(
      ({ key, kind }) => kind === 'expiry' && key.startsWith(`reversal:lease:${id}:`),
    )
    expect(lease - expired, `lease of ${id}`).toBe(0n)
  }
}

/** Two connections to a file, as two processes have them: each with rows of its own. */
function twoOfOneFile(path: string) {
  return [0, 1].map(() => {
    const database = new DatabaseSync(path)
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF')
    prepareCreditSchema(database)
    return { database, rows: new SqliteRows(database) }
  })
}

const steps = fc.array(
  fc.record({ one: operations, by: fc.nat(1), interruptAt: fc.option(fc.nat(4)) }),
  { minLength: 20, maxLength: 80, size: 'max' },
)

test('books balance whatever is done by whom, what is undone leaves nothing, doing it again changes nothing, and all stores write the same', () => {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  let files = 0
  fc.assert(
    fc.property(steps, (all) => {
      const memory = new MemoryRows()
      const processes = twoOfOneFile(join(folder, `${files++}.db`))
      const costs = new Map<string, bigint>()
      const once: Operation[] = []
      let at = 0
      /** One transaction of the file, done or undone. */
      const inFile = (by: number, one: Operation, interruptAt: number | null = null): unknown => {
        const { database, rows } = processes[by] as (typeof processes)[number]
        database.exec('BEGIN IMMEDIATE')
        try {
          const answer = run(interruptAt === null ? rows : interrupted(rows, interruptAt), one, at)
          rows.end()
          database.exec('COMMIT')
          return answer
        } catch (error) {
          if (!(error instanceof Interrupted)) throw error
          rows.undone()
          database.exec('ROLLBACK')
          return error
        }
      }
      const written = () => memory.all()
      for (const { one, by, interruptAt } of all) {
        if (one.op === 'wait') at += one.ms
        if (interruptAt !== null) {
          const before = text(written())
          let isUndone = false
          try {
            run(interrupted(memory, interruptAt), one, at)
          } catch (error) {
            if (!(error instanceof Interrupted)) throw error
            isUndone = true
          }
          // Whether it came to that write or not: its transaction is undone.
          memory.undone()
          expect(text(written()), 'what was undone').toBe(before)
          if (isUndone) expect(inFile(by, one, interruptAt)).toBeInstanceOf(Interrupted)
        }
        const answer = run(memory, one, at)
        memory.end()
        expect(inFile(by, one)).toEqual(answer)
        if (one.op === 'charge' && answer === true) costs.set(`r${one.id}`, one.amount)
        if (isDoneOnce(one, answer)) once.push(one)
        assertBalanced(written())
        assertCharged(written())
        expect(recordProblems(written(), false)).toEqual([])
        expect(processes[1 - by]?.rows.all()).toEqual(written())
        const before = text(written())
        run(memory, one, at)
        memory.end()
        expect(text(written())).toBe(before)
        inFile(1 - by, one)
      }
      // What time brings is no matter of the input that is replayed.
      run(memory, { op: 'wait', ms: 0 }, at)
      memory.end()
      const before = text(written())
      for (const one of once) {
        run(memory, one, at)
        memory.end()
        inFile(0, one)
        expect(text(written()), `replayed: ${text(one)}`).toBe(before)
      }
      expect(processes[1]?.rows.all()).toEqual(written())
      payAll(memory, at)
      // Nothing stays of a hold whose lease is over.
      run(memory, { op: 'sweep' }, at + 1000)
      memory.end()
      expect(written().holds).toEqual([])
      assertBalanced(written())
      expect(recordProblems(written(), true)).toEqual([])
      for (const [record, cost] of costs) {
        const taken = memory
          .all()
          .entries.filter((entry) => entry.record === record && entry.kind === 'usage')
          .reduce((sum, { amount }) => sum - amount, 0n)
        expect(taken).toBe(cost)
      }
      for (const { database } of processes) database.close()
    }),
    { numRuns: 100 },
  )
}, 120_000)

test('entries in a file are neither changed nor deleted, whoever tries', () => {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [one, other] = twoOfOneFile(join(folder, 'usage.db'))
  const grant = { op: 'give', id: 1, amount: 9n, kind: 'paid', priority: 0, from: 0, until: null }
  if (one !== undefined) run(one.rows, grant as Operation, 1)
  one?.rows.end()
  const tries = ['UPDATE credit_entries SET amount = 8', 'DELETE FROM credit_entries']
  for (const sql of tries) expect(() => other?.database.exec(sql)).toThrow(/are never/)
  expect(other?.rows.all().entries).toMatchObject([{ amount: 9n }])
  for (const { database } of [one, other].filter((each) => each !== undefined)) database.close()
})

function text(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
}
