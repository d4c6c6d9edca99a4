import { sqliteOutbox } from '@token-meter/core/sqlite'
import { recordsOf, startFakeOpenMeter } from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { billedTotals, expectedTotals, temporaryFile } from '@token-meter/testkit/internal/suites'
import { spawnDelivery } from './spawn-delivery.ts'

async function start(count: number) {
  const file = temporaryFile()
  const outbox = sqliteOutbox(file)
  const records = recordsOf(count).map((record, index) => ({
    ...record,
    customer: `cus_${index % 10}`,
  }))
  await outbox.append(records)
  const fake = await startFakeOpenMeter({ latencyMs: 5 })
  onTestFinished(async () => {
    await fake.close()
    await outbox.close()
  })
  return { file, outbox, records, fake }
}

test.each(['', 'aggregated'])('killed in the middle, twice: billed once (%s)', async (sums) => {
  const { file, outbox, records, fake } = await start(2000)
  for (let kill = 0; kill < 2; kill++) {
    const before = fake.requests.length
    const child = spawnDelivery(file, fake, sums)
    await expect
      .poll(() => fake.requests.length, { interval: 2, timeout: 10_000 })
      .toBeGreaterThan(before + 2)
    child.kill()
    expect(await child.ended).toBe('SIGKILL')
  }
  expect((await outbox.stats('openmeter')).pending).toBeGreaterThan(0)
  expect(await spawnDelivery(file, fake, sums).ended).toBe(0)
  expect(await outbox.stats('openmeter')).toMatchObject({ delivered: 2000, pending: 0, dead: 0 })
  expect(billedTotals(fake.billed())).toEqual(expectedTotals(records))
})

test('two processes on one file send nothing twice', async () => {
  const { file, outbox, records, fake } = await start(1000)
  const workers = [spawnDelivery(file, fake), spawnDelivery(file, fake)]
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0])
  expect(fake.duplicates()).toBe(0)
  expect(billedTotals(fake.billed())).toEqual(expectedTotals(records))
  expect(await outbox.stats('openmeter')).toMatchObject({ delivered: 1000, pending: 0 })
})
