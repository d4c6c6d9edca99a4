import { describe, expect, test, vi } from 'vitest'
import { backend, costing, deliver, openAgain, startCredits } from './collecting.ts'

describe.each(Object.entries(openAgain()))(
  'accounts that a backend bills, in %s',
  (kind, store) => {
    test('a mirrored account is charged and billed, and its grants wait for the backend', async () => {
      const { outbox, credits, available } = startCredits(store)
      const { sent, sink } = backend()
      expect(await credits.account('cus_1', { collect: 'mirror' })).toMatchObject({
        collect: 'mirror',
        unit: 'usd',
        blocked: null,
      })
      const { id } = await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
      await credits.grant('cus_2', { usd: '1', idempotencyKey: 'b' })
      const meter = deliver(outbox, [sink])
      await outbox.append([costing('r1', '0.25')])
      await meter.flush({ timeoutMs: 8000 })
      expect(sent).toEqual(['r1'])
      expect(await available()).toBe('0.75')
      const [grant] = await credits.unmirrored()
      expect(grant).toMatchObject({ id, customer: 'cus_1', unit: 'usd', amount: '1' })
      expect((await credits.reconcile()).isClean).toBe(false)
      if (grant) expect(await credits.mirrored(grant, 'credgr_1')).toBe(true)
      expect(await credits.unmirrored()).toEqual([])
      expect(await credits.reconcile()).toMatchObject({
        isClean: true,
        mirrors: [{ customer: 'cus_1', mirror: 'credgr_1', grant: { id } }],
        sums: [{ covered: '0', billed: '0.25' }],
      })
      // From the next record on.
      await credits.account('cus_1', { collect: 'prepaid' })
      await outbox.append([costing('r2', '0.25')])
      await meter.flush({ timeoutMs: 8000 })
      expect(sent).toEqual(['r1'])
      await expect(credits.account('cus_1', { collect: 'later' as never })).rejects.toThrow(
        /mirror/,
      )
    })

    test.skipIf(kind === 'memory')(
      'credit that a backend draws waits for a sink that bills by cost',
      async () => {
        const { outbox, credits, available, another } = startCredits(store)
        const told: string[] = []
        credits.on('error', ({ message }) => void told.push(message))
        await credits.account('cus_1', { collect: 'mirror' })
        await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
        const wrong = backend({ value: 'tokens' })
        const meter = deliver(another(), [wrong.sink])
        const isKnown = (value: string) =>
          vi.waitFor(async () => {
            const known = await outbox.sinks()
            expect(known.find(({ name }) => name === 'backend')).toMatchObject({ value })
          }, 5000)
        await isKnown('tokens')
        const mirror = { collect: 'mirror' } as const
        await credits.account('cus_3', { ...mirror, unit: 'tokens' })
        await outbox.append([costing('r1', '0.25'), costing('r2', '1', { customer: 'cus_2' })])
        await expect(meter.flush({ timeoutMs: 1500 })).rejects.toThrow()
        expect(wrong.sent).toEqual(['r2'])
        expect(await available()).toBe('0.75')
        expect(told.join()).toMatch(/"backend" bill\(s\) tokens.*value: 'cost'/)
        await expect(credits.account('cus_3', mirror)).rejects.toThrow(/value: 'cost'/)
        await meter.close({ timeoutMs: 10 }).catch(() => {})
        const right = backend({ value: 'cost' })
        const next = deliver(another(), [right.sink])
        await isKnown('cost')
        expect(await credits.flush()).toBe(true)
        await next.flush({ timeoutMs: 8000 })
        expect(right.sent).toEqual(['r1'])
        expect(await available()).toBe('0.75')
        await credits.account('cus_3', mirror)
      },
    )
  },
)
