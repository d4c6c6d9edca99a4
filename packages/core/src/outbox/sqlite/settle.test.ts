import { join } from 'node:path'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'
import type { Batch } from '../../sink/batch.ts'
import type { SinkResult } from '../../sink/sink-result.ts'
import { sqliteOutbox } from './sqlite-outbox.ts'

function claimed(count: number) {
  const outbox = sqliteOutbox(join(temporaryFolder(), 'usage.db'))
  onTestFinished(() => outbox.close())
  outbox.append(Array.from({ length: count }, (_, index) => exampleRecord({ id: `r${index}` })))
  const claim = () => outbox.claim('alpha', { limit: count, leaseMs: 60_000 }) as Batch
  return { outbox, claim, batch: claim() }
}

const accepted: SinkResult = { status: 'accepted' }

test('only a batch of which every record was accepted is settled whole', () => {
  for (const results of [
    [accepted, accepted],
    [accepted, undefined, accepted],
    // oxlint-disable-next-line no-sparse-arrays
    [accepted, , accepted],
    [accepted, { status: 'retry', reason: 'down' }, accepted],
    [accepted, { status: 'rejected', reason: 'odd' }, accepted],
  ] as SinkResult[][]) {
    const { outbox, batch } = claimed(3)
    expect(outbox.settle(batch, results)).toBe(true)
    expect(outbox.stats('alpha')).toMatchObject({ recorded: 3, delivered: 2 })
  }
})

test('of a batch that is not as it was claimed, only the records that it has are settled', () => {
  const { outbox, batch, claim } = claimed(3)
  const part = { ...batch, entries: batch.entries.slice(0, 2) }
  expect(outbox.settle(part, [accepted, accepted])).toBe(true)
  expect(outbox.stats('alpha')).toMatchObject({ delivered: 2, pending: 1 })
  expect(claim()).toMatchObject({ id: batch.id, entries: [{ record: { id: 'r2' }, attempts: 1 }] })
})

test('a lease that is not current settles nothing, though everything was accepted', () => {
  const { outbox, batch } = claimed(2)
  expect(outbox.settle({ ...batch, lease: 'another' }, [accepted, accepted])).toBe(false)
  expect(outbox.settle(batch, [accepted, accepted])).toBe(true)
  expect(outbox.settle(batch, [accepted, accepted])).toBe(false)
  expect(outbox.stats('alpha')).toMatchObject({ recorded: 2, delivered: 2, pending: 0 })
})

test('a requeued record comes with what is known of it, and fresh ones beside it with nothing', () => {
  const { outbox, batch, claim } = claimed(2)
  outbox.settle(batch, [
    { status: 'rejected', reason: 'odd', deliveredEventIds: ['r0:input'] },
    accepted,
  ])
  const refused = { deliveredEventIds: ['r0:input'], refusedEventIds: ['r0:output'] }
  outbox.correct('alpha', ['r0'], { state: 'dead', reason: 'refused', ...refused })
  outbox.requeue('alpha')
  outbox.append([exampleRecord({ id: 'r2', customer: null }), exampleRecord({ id: 'r3' })])
  outbox.attribute(['r2'], 'cus_late')
  const first = claim()
  expect(first.entries).toHaveLength(2)
  expect(first.entries[0]).toMatchObject({ record: { id: 'r0' }, attempts: 0, ...refused })
  expect(first.entries[1]).toMatchObject({
    record: { id: 'r2', customer: 'cus_late' },
    attempts: 0,
    deliveredEventIds: [],
  })
  outbox.settle(first, [{ status: 'retry', reason: 'down' }, accepted])
  // Retries and fresh records take turns.
  expect(claim().entries).toMatchObject([{ record: { id: 'r0' }, attempts: 1, ...refused }])
  expect(claim().entries).toMatchObject([{ record: { id: 'r3' }, attempts: 0 }])
})
