import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exampleRecord } from '@token-meter/testkit/suites'
import * as fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import {
  type Batch,
  type Outbox,
  type Sink,
  type SinkResult,
  type UsageRecord,
  aggregated,
  memoryOutbox,
  toMeterEvents,
  tokenTypes,
} from '../src/index.ts'
import { BatchProgress, LeaseTime } from '../src/delivery/batch-progress.ts'
import type { SendProgress } from '../src/sink/send-progress.ts'
import { keepingSums } from '../src/sink/send-sums.ts'
import { sqliteOutbox } from '../src/sqlite.ts'
import { searchRuns } from './search-runs.ts'

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

  readonly sink: Sink

  /** @param reports it says of each record before what it sends, and after what became of it. */
  constructor(reports = false) {
    this.sink = {
      name: 'bill',
      maxBatch: 3,
      reportsProgress: reports,
      send: async ({ entries }, _, progress) => {
        const results: SinkResult[] = []
        for (const entry of entries) {
          const recordId = entry.record.id
          const eventIds = toMeterEvents(entry.record).map(({ id }) => id)
          const request = reports
            ? await progress?.sending([{ recordIds: [recordId], eventIds }])
            : undefined
          request?.check()
          const result = this.#answer(entry)
          results.push(result)
          const isOpen = result.status === 'retry' && result.uncertain
          if (!isOpen) request?.over([{ recordId, result }])
        }
        return results
      },
    }
  }

  #answer({ record, deliveredEventIds }: Batch['entries'][number]): SinkResult {
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

/** Sends a batch as delivery does, which marks what it sends in the outbox. */
async function sendMarked(
  sink: Sink,
  outbox: Outbox,
  batch: Batch,
  isKilled = false,
): Promise<void> {
  const { signal } = new AbortController()
  const lease = new LeaseTime(60_000)
  const progress = new BatchProgress(sink, { outbox, batch, lease, signal, ended: () => {} })
  const results = await sink.send(batch, signal, progress)
  if (isKilled) return
  await progress.close()
  const isLeft = batch.entries.map(({ record }) => !progress.isWritten(record.id))
  const entries = batch.entries.filter((_, index) => isLeft[index])
  const left = results.filter((_, index) => isLeft[index])
  if (entries.length > 0) await outbox.settle({ ...batch, entries }, left)
}

const summed = (bill: Bill) => aggregated(bill.sink, { windowMs: 1000 })

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
        const batch = await world.outbox.claim('bill', { limit, leaseMs: 1000, isMarked: true })
        if (batch === undefined) return
        world.bill.fates.splice(0, Infinity, ...fates)
        await sendMarked(summed(world.bill), world.outbox, batch, isKilled)
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
        const batch = await outbox.claim('bill', { limit: 5, leaseMs: 1000, isMarked: true })
        if (batch === undefined) break
        await sendMarked(summed(world.bill), outbox, batch)
      }
      expect(world.bill.sums()).toEqual(recordedSums(world.records))
      await outbox.close()
    }
    const property = fc.asyncProperty(fc.array(step, { size: 'large', maxLength: 40 }), run)
    await fc.assert(property, { numRuns: searchRuns(kind === 'memory' ? 100 : 30) })
  },
)

/** A sum of other records under an id that the backend has would be taken for what it has. */
test('an id is of one sum of records, however the windows change in the middle of a batch', async () => {
  const outbox = memoryOutbox()
  const bill = new Bill()
  const used = (customer: string, input: number, output: number, at: number) => {
    const counts = { input, cachedInput: 0, cachedWrite: 0, output }
    return exampleRecord({ customer, tokens: counts, at, details: {} })
  }
  const records = [used('b', 1, 1, 1000), used('b', 0, 1, 1200), used('a', 0, 0, 0)]
  outbox.append(records)
  const attempt = async (windowMs: number, ...fates: Fate[]) => {
    const batch = await outbox.claim('bill', { limit: 8, leaseMs: 1000 })
    if (batch === undefined) return
    bill.fates.splice(0, Infinity, ...fates)
    const sink = aggregated(bill.sink, { windowMs })
    const unheard: SendProgress = {
      sending: async () => ({ check: () => {}, over: () => {} }),
      known: () => {},
    }
    outbox.settle(batch, await sink.send(batch, new AbortController().signal, unheard))
  }
  await attempt(300, 'accepted', 'later', 'later')
  await attempt(1000, 'accepted', 'later')
  bill.isWell = true
  await attempt(1000)
  expect(bill.sums()).toEqual({ 'b input': 1, 'b output': 2 })
  expect(outbox.stats('bill')).toMatchObject({ delivered: 3, pending: 0 })
})

/** As a later version of the application is set up, or another process on the same outbox. */
const setUps: readonly ((sink: Sink) => Sink)[] = [
  (sink) => keepingSums(sink),
  (sink) => keepingSums(aggregated(sink, { windowMs: 1000 })),
  (sink) => keepingSums(aggregated(sink, { windowMs: 300 })),
]

test.each([false, true])(
  'summed by other windows or not at all, in the middle of a batch: billed once (sink reports: %s)',
  async (reports) => {
    const attempt = fc.tuple(
      fc.constantFrom(...setUps),
      fc.array(fate, { maxLength: 12 }),
      fc.boolean(),
    )
    const property = fc.asyncProperty(
      fc.array(usage, { minLength: 1, maxLength: 8 }),
      fc.array(attempt, { maxLength: 8 }),
      async (given, attempts) => {
        let nowMs = 1_000_000
        const outbox = memoryOutbox({ now: () => nowMs })
        const bill = new Bill(reports)
        const records = given.map((each) => exampleRecord({ ...each, details: {} }))
        await outbox.append(records)
        const sendBy = async (setUp: (sink: Sink) => Sink, isKilled = false): Promise<boolean> => {
          nowMs += 2000
          const sink = setUp(bill.sink)
          const batch = await outbox.claim('bill', {
            limit: 8,
            leaseMs: 1000,
            isMarked: sink.reportsProgress,
          })
          if (batch === undefined) return false
          await sendMarked(sink, outbox, batch, isKilled)
          return true
        }
        for (const [setUp, fates, isKilled] of attempts) {
          bill.fates.splice(0, Infinity, ...fates)
          await sendBy(setUp, isKilled)
        }
        bill.isWell = true
        await outbox.requeue('bill')
        while (await sendBy(attempts[0]?.[0] ?? aggregated)) await outbox.requeue('bill')
        expect(bill.sums()).toEqual(recordedSums(records))
      },
    )
    await fc.assert(property, { numRuns: searchRuns(200) })
  },
)
