import { memoryOutbox, type SinkResult } from '@token-meter/core'
import { exampleRecord } from '@token-meter/testkit/suites'
import * as fc from 'fast-check'
import pg from 'pg'
import { describe, test } from 'vitest'
import { OutboxWorld, sinks } from '../../core/test/outbox/outbox-world.ts'
import { postgresOutbox } from '../src/postgres-outbox.ts'
import { databaseUrl, newSchema, noFolder } from './database-url.ts'

const runs = Math.ceil(8 * Number(process.env['TOKEN_METER_TEST_RUNS'] ?? 1))

type Step = (world: OutboxWorld) => Promise<void>

const sink = fc.constantFrom(...sinks)
/** Few ids, so that many come twice. */
const id = fc.nat({ max: 12 }).map((number) => `record-${number}`)
const ids = fc.uniqueArray(id, { maxLength: 6 })
const idsOrAll = fc.option(ids, { nil: undefined })
const record = fc
  .tuple(id, fc.constantFrom('cus_1', 'cus_2', null), fc.nat({ max: 100 }))
  .map(([name, customer, at]) => exampleRecord({ id: name, customer, at }))
const result = fc.oneof(
  { weight: 3, arbitrary: fc.constant<SinkResult>({ status: 'accepted' }) },
  fc.constantFrom<SinkResult>(
    { status: 'rejected', reason: 'no', deliveredEventIds: ['a', 'r'] },
    { status: 'retry', reason: 'busy', deliveredEventIds: ['b', 'a'] },
    { status: 'retry', reason: 'late', uncertain: true, afterMs: 700 },
  ),
)
const results = fc.array(result, { minLength: 6, maxLength: 6 })
const state = fc.constantFrom('delivered' as const, 'dead' as const, 'discarded' as const)
const refused = fc.subarray(['a', 'b', 'r'], { maxLength: 2 })
const mark = fc.nat({ max: 101 })

const append: fc.Arbitrary<Step> = fc
  .array(record, { maxLength: 5 })
  .map((records) => (world) => world.append(records))
const claim: fc.Arbitrary<Step> = fc.tuple(sink, fc.integer({ min: 1, max: 6 })).map(
  ([name, limit]) =>
    (world) =>
      world.claim(name, limit),
)
const settle: fc.Arbitrary<Step> = fc.tuple(fc.nat({ max: 4 }), results).map(
  ([ago, answers]) =>
    (world) =>
      world.settle(ago, answers),
)
const others: readonly fc.Arbitrary<Step>[] = [
  fc.constantFrom(699, 1000).map((ms) => async (world) => void (world.nowMs += ms)),
  sink.map((name) => (world) => world.expedite(name)),
  fc.tuple(sink, idsOrAll).map(
    ([name, some]) =>
      (world) =>
        world.requeue(name, some),
  ),
  fc.tuple(sink, idsOrAll).map(
    ([name, some]) =>
      (world) =>
        world.discard(name, some),
  ),
  fc.tuple(sink, ids, state, refused).map(
    ([name, some, to, events]) =>
      (world) =>
        world.correct(name, some, to, events),
  ),
  fc.nat({ max: 2000 }).map((ago) => (world) => world.distrust(world.nowMs - ago)),
  fc.tuple(sink, mark).map(
    ([name, since]) =>
      (world) =>
        world.registerSink(name, since),
  ),
  sink.map((name) => (world) => world.removeSink(name)),
  ids.map((some) => (world) => world.attribute(some)),
  mark.map((before) => (world) => world.prune(before)),
]
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: append },
    { weight: 4, arbitrary: claim },
    { weight: 4, arbitrary: settle },
    ...others,
  ),
  { size: 'large', minLength: 20, maxLength: 45 },
)

describe.skipIf(databaseUrl === '')('postgres and memory', () => {
  test(
    'agree with each other and with the model, whatever happens',
    async () => {
      const pool = new pg.Pool({ connectionString: databaseUrl })
      await fc.assert(
        fc.asyncProperty(steps, async (sequence) => {
          const world = new OutboxWorld((now) => [
            memoryOutbox({ now }),
            postgresOutbox({ pool }, { spoolFolder: noFolder, schema: newSchema(), now }),
          ])
          for (const [index, run] of sequence.entries()) {
            world.nowMs++
            await run(world)
            // A check is dozens of questions, each a round trip.
            if (index % 5 === 4) await world.check()
          }
          await world.check()
          await world.close()
        }),
        { numRuns: runs },
      )
      await pool.end()
    },
    30_000 + runs * 4_000,
  )
})
