import { expect, test } from 'vitest'
import {
  type OutboxHarness,
  accepted,
  ids,
  idsOf,
  leaseMs,
  rejected,
  retry,
  sink,
} from './outbox-harness.ts'

const lingerMs = 500
const hourMs = 60 * 60_000

/** For sinks that would rather have many records at a time. */
export function lingerTests(harness: () => OutboxHarness): void {
  const add = (count: number) => harness().add(count, { at: harness().nowMs })
  const claim = (limit: number) => harness().outbox.claim(sink, { limit, leaseMs, lingerMs })
  /** What a claim gives out, which is then delivered. */
  async function delivered(limit: number): Promise<readonly string[] | undefined> {
    const batch = await claim(limit)
    if (batch === undefined) return undefined
    await harness().outbox.settle(
      batch,
      batch.entries.map(() => accepted),
    )
    return idsOf(batch)
  }

  test('fresh records wait until the oldest is old enough', async () => {
    const records = await add(2)
    expect(await delivered(3)).toBeUndefined()
    harness().nowMs += lingerMs - 1
    const [late] = await add(1)
    expect(await delivered(4)).toBeUndefined()
    harness().nowMs += 1
    expect(await delivered(4)).toEqual([...ids(records), late?.id])
  })

  test('a full batch does not wait, and what is left of it waits again', async () => {
    const records = ids(await add(4))
    expect(await delivered(3)).toEqual(records.slice(0, 3))
    expect(await delivered(3)).toBeUndefined()
    const more = ids(await add(2))
    expect(await delivered(3)).toEqual([...records.slice(3), ...more])
  })

  test('a claim that does not linger takes what waits', async () => {
    const records = ids(await add(1))
    expect(await claim(3)).toBeUndefined()
    expect(idsOf(await harness().claim(3))).toEqual(records)
  })

  test('what waits is neither settled nor forgotten', async () => {
    await add(1)
    expect(await claim(3)).toBeUndefined()
    const { outbox, nowMs } = harness()
    expect(await outbox.isSettled(sink, await outbox.position())).toBe(false)
    expect(await outbox.nextDueAt(sink)).toBeLessThanOrEqual(nowMs + lingerMs)
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 1, pending: 1 })
  })

  test.each([
    ['back an hour', -hourMs],
    ['forward a day', 24 * hourMs],
  ])('a clock that is set %s lets no record wait for long', async (_, jumpMs) => {
    const records = ids(await add(1))
    harness().nowMs += jumpMs
    expect(await delivered(3)).toEqual(records)
  })

  test('what is retried does not wait, nor does it bring fresh records with it', async () => {
    const [first] = await add(3)
    const batch = await harness().take(1)
    await harness().outbox.settle(batch, [{ ...retry, afterMs: 10 }])
    expect(await claim(5)).toBeUndefined()
    harness().nowMs += 10
    expect(await delivered(5)).toEqual([first?.id])
    expect(await claim(5)).toBeUndefined()
  })

  test('a lease that is over does not wait', async () => {
    const [first] = await add(1)
    const batch = await harness().take(1)
    harness().nowMs += leaseMs
    await add(1)
    const again = await claim(5)
    expect(again?.id).toBe(batch.id)
    expect(idsOf(again)).toEqual([first?.id])
  })

  test('what is requeued does not wait', async () => {
    const [first] = await add(1)
    await harness().settleAll(rejected)
    expect(await claim(5)).toBeUndefined()
    await harness().outbox.requeue(sink)
    expect(await delivered(5)).toEqual([first?.id])
  })

  test('what nobody pays for is passed over, and does not wait once somebody does', async () => {
    const [unpaid] = await harness().add(1, { customer: null, at: harness().nowMs - hourMs })
    expect(await claim(1)).toBeUndefined()
    const [paid] = await add(1)
    expect(await delivered(2)).toBeUndefined()
    harness().nowMs += lingerMs
    expect(await delivered(5)).toEqual([paid?.id])
    await harness().outbox.attribute([unpaid?.id ?? ''], 'cus_late')
    expect(await delivered(5)).toEqual([unpaid?.id])
  })
}
