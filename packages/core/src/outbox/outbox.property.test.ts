import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exampleRecord } from '@token-meter/testkit/suites'
import * as fc from 'fast-check'
import { afterAll, test } from 'vitest'
import type { SinkResult } from '../sink/sink-result.ts'
import { memoryOutbox } from './memory/memory-outbox.ts'
import { OutboxWorld, sinks } from '../../test/outbox/outbox-world.ts'
import { sqliteOutbox } from './sqlite/sqlite-outbox.ts'
import { searchRuns } from '../../test/search-runs.ts'

const folder = mkdtempSync(join(tmpdir(), 'token-meter-property-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Step {
  readonly run: (world: OutboxWorld) => Promise<void>
}

function step<Value>(
  name: string,
  arbitrary: fc.Arbitrary<Value>,
  run: (world: OutboxWorld, value: Value) => Promise<void>,
): fc.Arbitrary<Step> {
  return arbitrary.map((value) => ({
    run: (world) => run(world, value),
    [fc.toStringMethod]: () => `${name}(${fc.stringify(value)})`,
  }))
}

const sink = fc.constantFrom(...sinks)
/** Few ids, so that many come twice. */
const id = fc.nat({ max: 40 }).map((number) => `record-${number}`)
const ids = fc.uniqueArray(id, { maxLength: 8 })
const idsOrAll = fc.option(ids, { nil: undefined })
const record = fc
  .tuple(id, fc.constantFrom('cus_1', 'cus_2', null), fc.nat({ max: 100 }))
  .map(([name, customer, at]) => exampleRecord({ id: name, customer, at }))
const result = fc.oneof(
  { weight: 3, arbitrary: fc.constant<SinkResult>({ status: 'accepted' }) },
  fc.constantFrom<SinkResult>(
    { status: 'rejected', reason: 'no', deliveredEventIds: ['a', 'r'] },
    { status: 'retry', reason: 'busy', deliveredEventIds: ['b', 'a'] },
    { status: 'retry', reason: 'later', afterMs: 700 },
    { status: 'retry', reason: 'lost', uncertain: true, deliveredEventIds: ['c'] },
    { status: 'retry', reason: 'late', uncertain: true, afterMs: 700 },
  ),
)
const results = fc.array(result, { minLength: 6, maxLength: 6 })

const query = fc.record(
  {
    customer: fc.constantFrom('cus_1', 'cus_late'),
    fromMs: fc.nat({ max: 100 }),
    untilMs: fc.nat({ max: 100 }),
    states: fc.subarray(['pending', 'delivered', 'dead', 'unattributed', 'discarded'] as const),
    limit: fc.integer({ min: 1, max: 5 }),
  },
  { requiredKeys: [] },
)

const append = step('append', fc.array(record, { maxLength: 5 }), (world, records) =>
  world.append(records),
)
const claim = step(
  'claim',
  fc.tuple(sink, fc.integer({ min: 1, max: 6 })),
  (world, [name, limit]) => world.claim(name, limit),
)
const settle = step('settle', fc.tuple(fc.nat({ max: 4 }), results), (world, [ago, answers]) =>
  world.settle(ago, answers),
)
const others = [
  step('wait', fc.constantFrom(699, 1000), async (world, ms) => {
    world.nowMs += ms
  }),
  step('expedite', sink, (world, name) => world.expedite(name)),
  step('requeue', fc.tuple(sink, idsOrAll), (world, [name, some]) => world.requeue(name, some)),
  step('discard', fc.tuple(sink, idsOrAll), (world, [name, some]) => world.discard(name, some)),
  step(
    'correct',
    fc.tuple(
      sink,
      ids,
      fc.constantFrom('delivered', 'dead', 'discarded'),
      fc.subarray(['a', 'b', 'r'], { maxLength: 2 }),
    ),
    (world, [name, some, state, refused]) => world.correct(name, some, state, refused),
  ),
  step('distrust', fc.nat({ max: 2000 }), (world, ago) => world.distrust(world.nowMs - ago)),
  step('registerSink', fc.tuple(sink, fc.nat({ max: 101 })), (world, [name, sinceMs]) =>
    world.registerSink(name, sinceMs),
  ),
  step('removeSink', sink, (world, name) => world.removeSink(name)),
  step('ledger', fc.tuple(sink, query), async (world, [name, asked]) => {
    await world.ledger(name, asked)
  }),
  step('attribute', ids, (world, some) => world.attribute(some)),
  step('prune', fc.nat({ max: 101 }), (world, beforeMs) => world.prune(beforeMs)),
]
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: append },
    { weight: 4, arbitrary: claim },
    { weight: 4, arbitrary: settle },
    ...others,
  ),
  { size: 'large', maxLength: 80 },
)

// It asks both outboxes for everything after every step.
const timeout = 180_000

test(
  'whatever happens, the outboxes agree, nothing is lost or doubled, and the counters sum',
  { timeout },
  async () => {
    let files = 0
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        files++
        const world = new OutboxWorld((now) => [
          memoryOutbox({ now }),
          sqliteOutbox(join(folder, `${files}.db`), { now }),
        ])
        for (const { run } of sequence) {
          world.nowMs++
          await run(world)
          await world.check()
        }
        await world.close()
      }),
      { numRuns: searchRuns(25) },
    )
  },
)
