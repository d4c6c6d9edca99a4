import { expect, test } from 'vitest'
import { type OutboxHarness, accepted, leaseMs, rejected, retry, sink } from './outbox-harness.ts'

export function progressTests(harness: () => OutboxHarness): void {
  test('an empty outbox has nothing to wait for', async () => {
    const { outbox } = harness()
    expect(await outbox.isSettled(sink, await outbox.position())).toBe(true)
    expect(await outbox.nextDueAt(sink)).toBeUndefined()
    expect(await outbox.recorded()).toBe(0)
    expect(await outbox.stats(sink)).toEqual({
      recorded: 0,
      pending: 0,
      delivered: 0,
      dead: 0,
      unattributed: 0,
      discarded: 0,
      held: 0,
    })
  })

  test('a position is settled when all before it is, whatever comes after', async () => {
    const { outbox } = harness()
    await harness().add(3)
    const position = await outbox.position()
    expect(await outbox.isSettled(sink, position)).toBe(false)
    const first = await harness().take(2)
    await outbox.settle(first, [accepted, retry])
    await harness().add(1)
    expect(await outbox.isSettled(sink, position)).toBe(false)
    const second = await harness().take()
    await outbox.settle(second, [rejected])
    expect(await outbox.isSettled(sink, position)).toBe(false)
    const third = await harness().take(1)
    expect(await outbox.isSettled(sink, position)).toBe(false)
    await outbox.settle(third, [accepted])
    expect(await outbox.isSettled(sink, position)).toBe(true)
    expect(await outbox.isSettled(sink, await outbox.position())).toBe(false)
    expect(await outbox.isSettled('beta', position)).toBe(false)
  })

  test('a dead letter does not keep a flush waiting, a requeued one does', async () => {
    const { outbox } = harness()
    await harness().add(1)
    const position = await outbox.position()
    await harness().settleAll(rejected)
    expect(await outbox.isSettled(sink, position)).toBe(true)
    await outbox.requeue(sink)
    expect(await outbox.isSettled(sink, position)).toBe(false)
  })

  test('an unattributed record does not keep a flush waiting', async () => {
    const { outbox } = harness()
    await harness().add(2, { customer: null })
    expect(await outbox.isSettled(sink, await outbox.position())).toBe(true)
    expect(await outbox.nextDueAt(sink)).toBeUndefined()
  })

  test('nextDueAt is now for fresh records, else the end of a lease or of a wait', async () => {
    const { outbox } = harness()
    await harness().add(2)
    expect(await outbox.nextDueAt(sink)).toBe(harness().nowMs)
    const batch = await harness().take(1)
    expect(await outbox.nextDueAt(sink)).toBe(harness().nowMs)
    const other = await harness().take(1)
    expect(await outbox.nextDueAt(sink)).toBe(harness().nowMs + leaseMs)
    await outbox.settle(batch, [{ ...retry, afterMs: 250 }])
    expect(await outbox.nextDueAt(sink)).toBe(harness().nowMs + 250)
    await outbox.settle(other, [rejected])
    await harness().outbox.requeue(sink)
    expect(await outbox.nextDueAt(sink)).toBe(harness().nowMs)
    await harness().settleAll(accepted)
    harness().nowMs += 250
    await harness().settleAll(accepted)
    expect(await outbox.nextDueAt(sink)).toBeUndefined()
    expect(await outbox.nextDueAt('beta')).toBe(harness().nowMs)
  })

  test('a batch that is under way counts as pending', async () => {
    await harness().add(3)
    await harness().take(2)
    expect(await harness().outbox.stats(sink)).toMatchObject({ recorded: 3, pending: 3 })
  })

  test('the oldest pending record is the one that came first, wherever it waits', async () => {
    const { outbox } = harness()
    const oldest = async (from = sink) => (await outbox.stats(from)).oldestPendingAt
    expect(await oldest()).toBeUndefined()
    for (const at of [10, 20, 30, 40]) await harness().add(1, { at })
    await harness().add(1, { at: 5, customer: null })
    expect(await oldest()).toBe(10)
    const batch = await harness().take(2)
    expect(await oldest()).toBe(10)
    await outbox.settle(batch, [rejected, retry])
    expect(await oldest()).toBe(20)
    expect(await oldest('beta')).toBe(10)
    await harness().settleAll(accepted)
    expect(await oldest()).toBe(30)
    await outbox.requeue(sink)
    expect(await oldest()).toBe(10)
    await harness().settleAll(accepted)
    expect(await oldest()).toBeUndefined()
    const [nobodys] = await outbox.unattributed()
    await outbox.attribute([nobodys?.id ?? ''], 'cus_9')
    expect(await oldest()).toBe(5)
  })

  test('to look at a sink does not make it one that has to be served', async () => {
    const { outbox } = harness()
    await harness().add(1, { at: 0 })
    await harness().settleAll(accepted)
    await outbox.stats('looked at')
    await outbox.nextDueAt('looked at')
    await outbox.isSettled('looked at', 1)
    await outbox.deadLetters('looked at')
    await outbox.requeue('looked at')
    await outbox.discard('looked at')
    await outbox.expedite('looked at')
    expect(await outbox.prune(1)).toBe(1)
  })
}
