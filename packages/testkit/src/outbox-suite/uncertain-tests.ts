import type { SinkResult } from '@token-meter/core/adapter'
import { expect, test } from 'vitest'
import { type OutboxHarness, accepted, leaseMs, rejected, retry, sink } from './outbox-harness.ts'

const uncertain = { ...retry, uncertain: true } as const satisfies SinkResult

/** Since when a record may have arrived without anybody knowing. */
export function uncertainTests(harness: () => OutboxHarness): void {
  /** Claims the only batch, and returns what its entries say. */
  const sinceOf = async () => (await harness().take()).entries.map((entry) => entry.uncertainSince)

  test('a first attempt has nothing uncertain behind it', async () => {
    await harness().add(2)
    expect(await sinceOf()).toEqual([undefined, undefined])
  })

  test('attempts that certainly had no effect leave nothing uncertain, however many', async () => {
    await harness().add(1)
    for (let attempt = 0; attempt < 3; attempt++) {
      await harness().settleAll(retry)
      harness().nowMs += 10_000
    }
    const batch = await harness().take()
    expect(batch.entries[0]).toMatchObject({ attempts: 3, uncertainSince: undefined })
  })

  test('an uncertain retry counts from the claim of its attempt, not from the first', async () => {
    await harness().add(1)
    await harness().settleAll(retry)
    const claimedAt = (harness().nowMs += 50)
    const batch = await harness().take()
    harness().nowMs += 70
    await harness().outbox.settle(batch, [uncertain])
    expect(await sinceOf()).toEqual([claimedAt])
  })

  test('later attempts change nothing, whether certain or not', async () => {
    const began = harness().nowMs
    await harness().add(1)
    for (const result of [uncertain, retry, uncertain, retry]) {
      await harness().settleAll(result)
      harness().nowMs += 100
    }
    expect(await sinceOf()).toEqual([began])
  })

  test('each entry of a batch has its own', async () => {
    const began = harness().nowMs
    await harness().add(3)
    const { outbox } = harness()
    await outbox.settle(await harness().take(), [retry, uncertain, retry])
    const secondClaimAt = (harness().nowMs += 5)
    await outbox.settle(await harness().take(), [uncertain, uncertain, retry])
    harness().nowMs += 5
    expect(await sinceOf()).toEqual([secondClaimAt, began, undefined])
  })

  test('the event ids that arrived are kept beside it', async () => {
    const began = harness().nowMs
    await harness().add(1)
    await harness().settleAll({ ...uncertain, deliveredEventIds: ['a'] })
    const entry = { uncertainSince: began, deliveredEventIds: ['a'] }
    expect((await harness().take()).entries).toMatchObject([entry])
  })

  test('a claim that was never settled is uncertain from its own time', async () => {
    await harness().add(2)
    await harness().settleAll(retry)
    const lostAt = (harness().nowMs += 30)
    await harness().take()
    harness().nowMs += leaseMs
    expect(await sinceOf()).toEqual([lostAt, lostAt])
    harness().nowMs += leaseMs
    expect(await sinceOf()).toEqual([lostAt, lostAt])
  })

  test('a lease that is over but still settled is as certain as its results', async () => {
    await harness().add(1)
    const batch = await harness().take()
    harness().nowMs += leaseMs * 2
    await harness().outbox.settle(batch, [retry])
    expect(await sinceOf()).toEqual([undefined])
  })

  test('what a holder says after its lease was taken over makes nothing certain', async () => {
    const began = harness().nowMs
    await harness().add(1)
    const slow = await harness().take()
    harness().nowMs += leaseMs
    const current = await harness().take()
    expect(await harness().outbox.settle(slow, [retry])).toBe(false)
    await harness().outbox.settle(current, [retry])
    expect(await sinceOf()).toEqual([began])
  })

  test('an entry without a result is uncertain', async () => {
    const began = harness().nowMs
    await harness().add(2)
    await harness().outbox.settle(await harness().take(), [retry])
    harness().nowMs += 10
    expect(await sinceOf()).toEqual([undefined, began])
  })

  test('requeue ends it, as the operator has decided; the event ids stay', async () => {
    await harness().add(1)
    await harness().settleAll({ ...uncertain, deliveredEventIds: ['a'] })
    await harness().settleAll(rejected)
    harness().nowMs += 10
    await harness().outbox.requeue(sink)
    const entry = { uncertainSince: undefined, deliveredEventIds: ['a'] }
    expect((await harness().take()).entries).toMatchObject([entry])
  })

  test('it is of one sink', async () => {
    const began = harness().nowMs
    await harness().add(1)
    await harness().settleAll(uncertain)
    await harness().settleAll(retry, 'beta')
    expect((await harness().take(1, 'beta')).entries[0]?.uncertainSince).toBeUndefined()
    expect(await sinceOf()).toEqual([began])
  })

  test('it goes with the record: nothing is left of it once that was accepted', async () => {
    await harness().add(1)
    await harness().settleAll(uncertain)
    await harness().settleAll(accepted)
    await harness().add(1)
    expect(await sinceOf()).toEqual([undefined])
  })
}
