import { expect, onTestFinished, test } from 'vitest'
import { createCredits } from '../src/index.ts'
import { costing } from './collecting.ts'
import { everyStore } from './stores.ts'

const hour = 3_600_000

test.each(Object.entries(everyStore()))(
  '%s: a hold whose lease has ended is not kept, and what comes later is charged in its place, once',
  async (_, open) => {
    const begun = Date.now()
    let at = begun
    const outbox = open()
    onTestFinished(async () => void (await outbox.close()))
    const credits = createCredits({ outbox, ephemeral: true, now: () => at, sweepMs: hour })
    onTestFinished(() => credits.close())
    credits.pool({ id: 'team', usd: '10', period: 'month' })
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    const made = (id?: string) =>
      credits.hold('cus_1', { usd: '0.1', ttlMs: 10, pools: ['team'], ...(id && { id }) })
    const [recorded, settled, nothing, named, released] = [
      await made(),
      await made(),
      await made(),
      await made('mine'),
      await made(),
    ]
    await released.release()
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.6', held: '0.4' })
    at += 11
    expect(await credits.sweep()).toBe(4)
    expect(await credits.sweep()).toBe(0)
    expect(await credits.balance('cus_1')).toMatchObject({ available: '1', held: '0' })
    /** In the period in which it was held. */
    const team = async () => {
      const now = at
      at = begun
      const { spent, held } = await credits.poolBalance('team')
      at = now
      return { spent, held }
    }
    expect(await team()).toMatchObject({ held: '0', spent: '0' })
    const leases = async () =>
      (await credits.history('cus_1')).entries
        .filter(({ kind }) => kind === 'lease')
        .map(({ hold, amount }) => [hold, amount])
    const ended = [recorded, settled, nothing, named].map(({ id }) => [id, '0'])
    expect((await leases()).toSorted()).toEqual(ended.toSorted())

    // However late.
    at += 90 * 24 * hour
    await outbox.append([costing('r1', '0.25'), costing('r2', '0.25', { customer: null })], {
      holdIds: [recorded.id],
    })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.5' })
    expect(await team()).toMatchObject({ spent: '0.5', held: '0' })
    // Its hold has ended: of the same customer it is charged, and in no pool.
    await outbox.append([costing('r3', '0.125')], { holdIds: [recorded.id] })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.375' })
    expect(await team()).toMatchObject({ spent: '0.5' })

    await settled.settle('0.07')
    await settled.settle('0.09')
    await nothing.settle('0')
    await nothing.settle('0.09')
    await released.settle('0.09')
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.305', held: '0' })
    expect(await team()).toMatchObject({ spent: '0.57', held: '0' })

    const again = await made('mine')
    expect(await credits.balance('cus_1')).toMatchObject({ held: '0' })
    await expect(credits.hold('cus_1', { usd: '0.2', id: 'mine' })).rejects.toMatchObject({
      code: 'credits_conflict',
    })
    await again.settle('0.005')
    await named.settle('0.005')
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.3', held: '0' })
    expect(await credits.verify()).toEqual([])
  },
)
