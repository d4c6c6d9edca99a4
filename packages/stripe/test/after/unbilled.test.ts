import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cancelUsage, reconcileUsage } from '../../src/index.ts'
import { hour, setTime, startBilling } from './billing.ts'

const start = Date.parse('2026-11-21T10:00:30Z')

beforeEach(() => setTime('2026-11-21T10:00:30Z'))
afterEach(() => {
  vi.useRealTimers()
})

// A record that was kept without a cost, as by a meter without `cost`, too.
test.each([{}, { value: 'cost' }] as const)(
  'usage that is unbilled is delivered, expected at Stripe by nobody, and can be given up: %j',
  async (shape) => {
    const billing = await startBilling(shape)
    await billing.add('free', { unbilled: 'refusal:cyber' })
    expect(await billing.deliver()).toEqual({ free: 'accepted' })
    expect(await billing.stateOf('free')).toMatchObject({ state: 'delivered' })
    expect(billing.billed()).toEqual([])

    const priced = () =>
      ({ currency: 'USD', provider: '1.5', billed: '1.5', source: 'prices' }) as const
    const report = await reconcileUsage({
      ...billing.options,
      from: start - hour,
      to: start + hour,
      lagMs: 0,
      pricedBy: priced,
    })
    expect(report).toMatchObject({ sums: [], actions: [], unresolved: [] })

    expect(await cancelUsage('free', billing.options)).toEqual({ recordId: 'free', eventIds: [] })
    expect(await billing.stateOf('free')).toMatchObject({ state: 'discarded' })
    expect(billing.fake.requests.filter(({ path }) => path.endsWith('adjustments'))).toEqual([])
  },
)
