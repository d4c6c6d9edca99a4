import { join } from 'node:path'
import { exampleRecord } from '@token-meter/testkit/suites'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test/outbox/temporary-folder.ts'
import type { SinkResult } from '../sink/sink-result.ts'
import { memoryOutbox } from './memory/memory-outbox.ts'
import type { Batch } from '../sink/batch.ts'
import type { Outbox } from './outbox.ts'
import { sqliteOutbox } from './sqlite/sqlite-outbox.ts'
import { searchRuns } from '../../test/search-runs.ts'

const names = ['one', 'two', 'three'] as const
const name = fc.constantFrom(...names)
const id = fc.nat({ max: 30 }).map((number) => `r${number}`)
const ids = fc.option(fc.uniqueArray(id, { maxLength: 6 }), { nil: undefined })
const record = fc
  .tuple(id, fc.constantFrom('cus_1', 'cus_1', null), fc.nat({ max: 100 }), fc.boolean())
  .map(([own, customer, at, livemode]) => exampleRecord({ id: own, customer, at, livemode }))

/** By the record and the round, so that both outboxes answer alike, whatever their batches are. */
function resultOf(own: string, round: number): SinkResult {
  const kind = (Number(own.slice(1)) + round) % 4
  if (kind === 0) return { status: 'rejected', reason: 'no' }
  if (kind === 1) return { status: 'retry', reason: 'later', afterMs: 1e6, uncertain: true }
  return { status: 'accepted' }
}

type Act = (outbox: Outbox, round: number, given: Set<string>) => unknown

/** Sends what is due, and notes what a live sink was given. */
const deliver =
  (sink: string, limit: number, isLive: boolean): Act =>
  async (outbox, round, given) => {
    for (;;) {
      let batch: Batch | undefined
      for (let looks = 0; batch === undefined && looks < 5; looks++) {
        batch = await outbox.claim(sink, { limit, leaseMs: 1000, isLive })
      }
      if (batch === undefined) return
      for (const { record } of batch.entries) {
        if (isLive && record.livemode === false) given.add(`${sink} ${record.id}`)
      }
      const results = batch.entries.map((entry) => resultOf(entry.record.id, round))
      await outbox.settle(batch, results)
    }
  }

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(record, { maxLength: 5 }).map(
      (records): Act =>
        (outbox) =>
          outbox.append(records),
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(name, fc.integer({ min: 1, max: 4 }), fc.boolean())
      .map(([sink, limit, isLive]) => deliver(sink, limit, isLive)),
  },
  fc.tuple(name, name).map(
    ([from, to]): Act =>
      (outbox) =>
        outbox.rename(from, to),
  ),
  fc.tuple(name, name, fc.option(id, { nil: undefined })).map(
    ([sink, beside, before]): Act =>
      (outbox) =>
        outbox.registerSink(sink, { heldFor: [beside], beforeId: before }),
  ),
  fc.tuple(name, fc.nat({ max: 100 })).map(
    ([sink, at]): Act =>
      (outbox) =>
        outbox.registerSink(sink, { sinceMs: at }),
  ),
  name.map(
    (sink): Act =>
      (outbox) =>
        outbox.removeSink(sink),
  ),
  fc.tuple(name, ids).map(
    ([sink, some]): Act =>
      (outbox) =>
        outbox.drop(sink, some),
  ),
  fc.tuple(name, ids).map(
    ([sink, some]): Act =>
      (outbox) =>
        outbox.requeue(sink, some),
  ),
  name.map(
    (sink): Act =>
      (outbox) =>
        outbox.expedite(sink),
  ),
  fc.uniqueArray(id, { maxLength: 6 }).map(
    (some): Act =>
      (outbox) =>
        outbox.attribute(some, 'cus_late'),
  ),
  fc.nat({ max: 100 }).map(
    (at): Act =>
      (outbox) =>
        outbox.prune(at),
  ),
)

/** What can be seen of an outbox, but for how its batches are made up. */
async function seen(outbox: Outbox) {
  const sinks = await outbox.sinks()
  const states = await Promise.all(
    names.map(async (sink) => {
      const { oldestPendingAt: _, ...stats } = await outbox.stats(sink)
      const { recorded, pending, delivered, dead, unattributed, discarded, held } = stats
      expect(pending).toBeGreaterThanOrEqual(0)
      expect(recorded).toBe(pending + delivered + dead + unattributed + discarded + held)
      const { entries } = await outbox.ledger(sink)
      const count = (state: string) => entries.filter((entry) => entry.state === state).length
      if (sinks.some((known) => known.name === sink && known.renamedTo === undefined)) {
        expect([count('pending'), count('held'), count('dead')]).toEqual([pending, held, dead])
      }
      return [stats, entries.map((entry) => [entry.record.id, entry.state])]
    }),
  )
  return { sinks: sinks.toSorted((a, b) => (a.name < b.name ? -1 : 1)), states }
}

test(
  'whatever is held, renamed or begun again, the outboxes agree, and no test usage goes out live',
  { timeout: 180_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'large' }), async (steps) => {
        let nowMs = 1_000_000
        const now = () => nowMs
        const file = join(temporaryFolder(), 'usage.db')
        const outboxes = [memoryOutbox({ now }), sqliteOutbox(file, { now })]
        const given = new Set<string>()
        for (const [round, act] of steps.entries()) {
          nowMs++
          for (const outbox of outboxes) await act(outbox, round, given)
          // Both have passed the same before they are compared.
          for (const outbox of outboxes) {
            for (const sink of names) await deliver(sink, 100, true)(outbox, round, given)
          }
          const [memory, sqlite] = await Promise.all(outboxes.map(seen))
          expect(sqlite).toEqual(memory)
        }
        // Nothing was released by name.
        expect([...given]).toEqual([])
        for (const outbox of outboxes) await outbox.close()
      }),
      { numRuns: searchRuns(50) },
    )
  },
)
