import { DatabaseSync } from 'node:sqlite'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { coveredCode, batchReady, distrusted, isHeld, stateOf } from './rules.ts'
import { batchReadySql, distrustSql, isHeldSql, stateSql } from './rules-sql.ts'

const database = new DatabaseSync(':memory:')
database.exec(`
  CREATE TABLE batches (id TEXT, lease TEXT, claimed_at REAL);
  CREATE TABLE items (seq INTEGER, state TEXT, batch TEXT, uncertain_since REAL,
    uncertain_event_ids TEXT, uncertain_in TEXT)`)

const text = (value: number | boolean | string | undefined): string => {
  if (value === undefined) return 'NULL'
  return typeof value === 'string' ? `'${value}'` : String(Number(value))
}
const askFor = (expression: string, from = '') =>
  database.prepare(`SELECT ${expression} AS answer ${from}`).get()?.['answer']

const small = fc.nat({ max: 5 })

test('a batch is ready in SQL when it is by value', () => {
  const waiting = fc.record({
    anyRequeued: fc.boolean(),
    count: small,
    oldestAt: fc.option(small, { nil: undefined }),
  })
  const linger = fc.record({ limit: small, lingerMs: small, nowMs: small })
  fc.assert(
    fc.property(waiting, linger, (given, { limit, lingerMs, nowMs }) => {
      const sql = batchReadySql(
        {
          anyRequeued: text(given.anyRequeued),
          count: text(given.count),
          oldestAt: text(given.oldestAt),
        },
        { limit: text(limit), lingerMs: text(lingerMs), nowMs: text(nowMs) },
      )
      // Null is not ready either: a condition is all that it is used as.
      expect(askFor(sql) === 1).toBe(batchReady({ limit, lingerMs, nowMs }, () => given))
    }),
  )
})

test('what is held in SQL is held by value', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.boolean(), (isTest, isFromBefore, isLive) => {
      const sql = isHeldSql({
        isTest: text(isTest),
        isFromBefore: text(isFromBefore),
        isLive: text(isLive),
      })
      expect(askFor(sql) === 1).toBe(isHeld({ isTest, isFromBefore, isReleased: false }, isLive))
    }),
  )
})

test('a record stands in SQL where it does by value', () => {
  const states = ['requeued', 'batched', 'dead', 'discarded', 'held', 'covered'] as const
  const itemState = fc.constantFrom(undefined, ...states)
  fc.assert(
    fc.property(fc.boolean(), itemState, fc.boolean(), (hasCustomer, state, isPassed) => {
      // What is held or covered is kept as discarded.
      const kept = state === 'held' || state === 'covered' ? 'discarded' : state
      const code = text(state === 'covered' ? coveredCode : undefined)
      const items = `(SELECT ${text(kept)} AS state, ${text(state === 'held')} AS held, ${code} AS code) AS items`
      const customer = `(SELECT ${text(hasCustomer ? 'cus_1' : undefined)} AS customer)`
      const answer = askFor(stateSql(text(isPassed)), `FROM ${customer}, ${items}`)
      expect(answer).toBe(stateOf({ hasCustomer, itemState: state, isPassed }))
    }),
  )
})

test('what waits in a copy is as uncertain in SQL as by value', () => {
  const mark = database.prepare(
    distrustSql((table) => table, { sinceMs: ':sinceMs', upTo: ':upTo', least: 'min' }),
  )
  const item = fc.record({
    uncertainSince: fc.option(small, { nil: undefined }),
    uncertainIn: fc.option(fc.constant('sum'), { nil: undefined }),
    batchId: fc.option(fc.constant('batch'), { nil: undefined }),
    claimedAt: fc.option(small, { nil: undefined }),
  })
  fc.assert(
    fc.property(item, small, ({ uncertainSince, uncertainIn, batchId, claimedAt }, sinceMs) => {
      database.exec(`
        DELETE FROM items; DELETE FROM batches;
        INSERT INTO batches VALUES ('batch', ${claimedAt === undefined ? 'NULL' : "'lease'"}, ${text(claimedAt)});
        INSERT INTO items VALUES (1, ${text(batchId === undefined ? 'requeued' : 'batched')},
          ${text(batchId)}, ${text(uncertainSince)}, '["event"]', ${text(uncertainIn)})`)
      mark.run({ sinceMs, upTo: 1 })
      const isLeased = batchId !== undefined && claimedAt !== undefined
      const own = isLeased ? Math.min(sinceMs, claimedAt) : sinceMs
      const uncertain = distrusted({ uncertainSince, uncertainIn }, own, batchId)
      expect({ ...database.prepare('SELECT * FROM items').get() }).toMatchObject({
        uncertain_since: uncertain.uncertainSince,
        uncertain_event_ids: null,
        uncertain_in: uncertain.uncertainIn ?? null,
      })
    }),
  )
})
