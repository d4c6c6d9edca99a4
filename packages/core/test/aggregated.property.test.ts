import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exampleRecord } from '@token-meter/testkit/suites'
import * as fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { aggregated, memoryOutbox, tokenTypes, toMeterEvents } from '../src/index.ts'
import type { Batch, Outbox, Sink, SinkResult, UsageRecord } from '../src/index.ts'
import { sqliteOutbox } from '../src/sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'token-meter-aggregated-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What becomes of one event: refused ones had no effect, lost ones may have had it. */
type Fate = 'accepted' | 'refused' | 'later' | 'lost before' | 'lost after'
const fate = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Fate>('accepted') },
  fc.constantFrom<Fate>('refused', 'later', 'lost before', 'lost after'),
)

/** A backend that tells duplicates by id, and cannot be sent something else under an id it has. */
class Bill {
  readonly events = new Map<string, { customer: string; type: string; value: number }>()
  readonly fates: Fate[] = []
  isWell = false

  readonly sink: Sink = {
    name: 'bill',
    maxBatch: 3,
    send: async ({ entries }) =>
      entries.map(({ record, deliveredEventIds }): SinkResult => {
        const had: string[] = []
        const fates: Fate[] = []
        for (const { id, customer, value, dimensions } of toMeterEvents(record)) {
          if (deliveredEventIds.includes(id)) continue
          // What it has it confirms, whatever it thinks of it by now.
          const isKnown = this.isWell || this.events.has(id)
          const fate = isKnown ? 'accepted' : (this.fates.shift() ?? 'accepted')
          fates.push(fate)
          if (fate === 'accepted' || fate === 'lost after') {
            const event = { customer, type: dimensions.token_type, value }
            expect(this.events.get(id) ?? event).toEqual(event)
            this.events.set(id, event)
          }
          if (fate === 'accepted') had.push(id)
        }
        const events = { deliveredEventIds: [...deliveredEventIds, ...had] }
        if (fates.some((each) => each.startsWith('lost')))
          return { status: 'retry', reason: 'lost', uncertain: true, ...events }
        if (fates.includes('later')) return { status: 'retry', reason: 'later', ...events }
        if (fates.includes('refused')) return { status: 'rejected', reason: 'no', ...events }
        return { status: 'accepted' }
      }),
  }

  sums(): Record<string, number> {
    const sums: Record<string, number> = {}
    for (const { customer, type, value } of this.events.values()) {
      sums[`${customer} ${type}`] = (sums[`${customer} ${type}`] ?? 0) + value
    }
    return sums
  }
}

function recordedSums(records: readonly UsageRecord[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { customer, tokens } of records) {
    for (const { count, type } of tokenTypes) {
      if (tokens[count] > 0) {
        sums[`${customer} ${type}`] = (sums[`${customer} ${type}`] ?? 0) + tokens[count]
      }
    }
  }
  return sums
}

interface World {
  readonly outbox: Outbox
  readonly bill: Bill
  readonly records: UsageRecord[]
  nowMs: number
}
type Step = (world: World) => Promise<void>

const send = async (world: World, batch: Batch): Promise<readonly SinkResult[]> =>
  aggregated(world.bill.sink, { windowMs: 1000 }).send(batch, new AbortController().signal)

const tokens = fc.record({
  input: fc.nat(50),
  cachedInput: fc.constantFrom(0, 7),
  cachedWrite: fc.constant(0),
  output: fc.nat(9),
})
const usage = fc.record({
  customer: fc.constantFrom('a', 'b'),
  tokens,
  at: fc.nat(2500),
  attributes: fc.constantFrom({}, { team: 'x' }),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(usage, { maxLength: 6 }).map((given): Step => async (world) => {
      const records = given.map((each) => exampleRecord({ ...each, details: {} }))
      world.records.push(...records)
      await world.outbox.append(records)
    }),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.array(fate, { maxLength: 12 }), fc.boolean(), fc.integer({ min: 1, max: 8 }))
      .map(([fates, isKilled, limit]): Step => async (world) => {
        const batch = await world.outbox.claim('bill', limit, 1000)
        if (batch === undefined) return
        world.bill.fates.splice(0, Infinity, ...fates)
        const results = await send(world, batch)
        if (!isKilled) await world.outbox.settle(batch, results)
      }),
  },
  fc.array(fc.nat(30), { maxLength: 3 }).map((places): Step => async (world) => {
    const ids = places.flatMap((place) => world.records[place]?.id ?? [])
    await world.outbox.requeue('bill', ids)
  }),
  fc.constantFrom(1, 1500).map(
    (ms): Step =>
      async (world) =>
        void (world.nowMs += ms),
  ),
)

test.each(['memory', 'sqlite'])(
  'summed, killed, refused in part, requeued one by one: every token is billed once (%s)',
  { timeout: 180_000 },
  async (kind) => {
    let files = 0
    const run = async (steps: readonly Step[]) => {
      const clock = { nowMs: 1_000_000 }
      const now = () => clock.nowMs
      const outbox =
        kind === 'memory'
          ? memoryOutbox({ now })
          : sqliteOutbox(join(folder, `${files++}`), { now })
      const world: World = Object.assign(clock, { outbox, bill: new Bill(), records: [] })
      for (const next of steps) await next(world)
      world.bill.isWell = true
      for (;;) {
        world.nowMs += 5000
        await outbox.requeue('bill')
        const batch = await outbox.claim('bill', 5, 1000)
        if (batch === undefined) break
        await outbox.settle(batch, await send(world, batch))
      }
      expect(world.bill.sums()).toEqual(recordedSums(world.records))
      await outbox.close()
    }
    const property = fc.asyncProperty(fc.array(step, { size: 'large', maxLength: 40 }), run)
    await fc.assert(property, { numRuns: kind === 'memory' ? 300 : 60 })
  },
)

const settledFate = fc.constantFrom<Fate>('accepted', 'accepted', 'refused', 'later')
/** As a later version of the application is set up, or another process on the same outbox. */
const setUps: readonly ((sink: Sink) => Sink)[] = [
  (sink) => sink,
  (sink) => aggregated(sink, { windowMs: 1000 }),
  (sink) => aggregated(sink, { windowMs: 300 }),
]

test('summed by other windows or not at all, in the middle of a batch: what is certain stays billed once', async () => {
  const attempt = fc.tuple(fc.constantFrom(...setUps), fc.array(settledFate, { maxLength: 12 }))
  const property = fc.asyncProperty(
    fc.array(usage, { minLength: 1, maxLength: 8 }),
    fc.array(attempt, { maxLength: 8 }),
    async (given, attempts) => {
      const outbox = memoryOutbox()
      const bill = new Bill()
      const records = given.map((each) => exampleRecord({ ...each, details: {} }))
      await outbox.append(records)
      const sendBy = async (setUp: (sink: Sink) => Sink): Promise<boolean> => {
        const batch = await outbox.claim('bill', 8, 1000)
        if (batch === undefined) return false
        await outbox.settle(batch, await setUp(bill.sink).send(batch, new AbortController().signal))
        return true
      }
      for (const [setUp, fates] of attempts) {
        bill.fates.splice(0, Infinity, ...fates)
        await sendBy(setUp)
      }
      bill.isWell = true
      await outbox.requeue('bill')
      while (await sendBy(attempts[0]?.[0] ?? aggregated)) await outbox.requeue('bill')
      expect(bill.sums()).toEqual(recordedSums(records))
    },
  )
  await fc.assert(property, { numRuns: 500 })
})
