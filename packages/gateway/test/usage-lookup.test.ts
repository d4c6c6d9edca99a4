import { describe, expect, onTestFinished, test } from 'vitest'
import type { UsageRecord } from '@token-meter/core/outbox'
import { mintRecordId } from '@token-meter/core/outbox'
import type { Caller } from '@token-meter/gateway'
import { exampleRecord } from '@token-meter/testkit'
import { exactSum } from '../src/objects/exact-sum.ts'
import { usageLookup } from '../src/objects/usage-lookup.ts'
import type { ChargeBy } from '../src/payer/payer.ts'
import { refused } from './refused.ts'
import { everyPlace, memoryPlace, type Place } from './stores.ts'

const caller = (more: Partial<Caller>): Caller => ({
  keyId: 'k',
  userId: null,
  teamId: null,
  customer: null,
  mayName: new Set(),
  models: undefined,
  allowUnknown: false,
  stripeHeaders: false,
  pools: [],
  metadata: {},
  ...more,
})
const anna = caller({ customer: 'anna' })
const tokens = { input: 1, cachedInput: 2, cachedWrite: 3, output: 4 }

function recordOf(customer: string | null, more: Partial<UsageRecord> = {}): UsageRecord {
  return { ...exampleRecord(), id: mintRecordId(Date.now()), customer, tokens, ...more }
}

function costing(provider: string, billed: string): Pick<UsageRecord, 'cost'> {
  return { cost: { currency: 'USD', provider, billed, source: 'prices' } }
}

function start(place: Place, chargeBy: ChargeBy = 'key', now: () => number = Date.now) {
  const outbox = place.open()
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const lookup = usageLookup({ outbox, chargeBy, now, onError })
  onTestFinished(() => outbox.close())
  return { outbox, lookup, errors }
}

describe.each(Object.entries(everyPlace()))('usage of a request, on %s', (_, place) => {
  test('of several records under ids of their own it is the sum, in every process', async () => {
    const shared = place()
    const here = start(shared)
    const there = start(shared)
    const first = recordOf('anna', costing('0.000000000001', '0.1'))
    const second = recordOf('anna', costing('12', '0.000000000002'))
    await here.outbox.append([first, second])
    const id = mintRecordId(Date.now())
    here.lookup.note(id, [first])
    here.lookup.note(id, [second])
    const usage = await here.lookup.usageOf(id, anna)
    expect(usage).toMatchObject({
      id,
      customer: 'anna',
      currency: 'USD',
      billed: '0.100000000002',
      tokens: { input: 2, cachedInput: 4, cachedWrite: 6, output: 8 },
    })
    expect(usage.records.map((record) => record.id).toSorted()).toEqual(
      [first.id, second.id].toSorted(),
    )
    expect(JSON.stringify(usage)).not.toContain('cost')
    expect(JSON.stringify(usage)).not.toContain('raw')
    expect(await there.lookup.usageOf(id, 'admin')).toMatchObject({
      billed: '0.100000000002',
      cost: '12.000000000001',
    })
    expect([...here.errors, ...there.errors]).toEqual([])
  })

  test('a record that has the id of its request needs nothing more; one that is another’s is not there', async () => {
    const { outbox, lookup } = start(place())
    const record = recordOf('anna', { unbilled: 'trial' })
    const unpriced = recordOf('anna')
    const nobodys = recordOf(null)
    await outbox.append([record, unpriced, nobodys])
    lookup.note(record.id, [record])
    expect(await lookup.usageOf(record.id, anna)).toMatchObject({ billed: '0' })
    expect(await lookup.usageOf(unpriced.id, anna)).toMatchObject({ billed: null })
    expect(await lookup.usageOf(nobodys.id, 'admin')).toMatchObject({ customer: null, cost: null })
    const wrong = [
      () => lookup.usageOf(record.id, caller({ customer: 'ben' })),
      () => lookup.usageOf(nobodys.id, anna),
      () => lookup.usageOf(mintRecordId(Date.now()), anna),
      () => lookup.usageOf("' OR 1=1", 'admin'),
    ]
    const answers = await Promise.all(wrong.map(refused))
    expect(new Set(answers.map(({ status, message }) => `${status} ${message}`)).size).toBe(1)
    expect(answers[0]?.status).toBe(404)
  })
})

test('whose it is depends on whom keys are charged for', async () => {
  const place = memoryPlace()
  const record = recordOf('t1')
  const id = mintRecordId(Date.now())
  const byTeam = start(place, 'team_id')
  await byTeam.outbox.append([record, recordOf('anna')])
  byTeam.lookup.note(id, [record])
  await byTeam.lookup.usageOf(id, caller({ teamId: 't1' }))
  const any = caller({ mayName: 'any', teamId: 't2' })
  expect(await refused(() => byTeam.lookup.usageOf(id, any))).toMatchObject({ status: 404 })
  await start(place, 'end_user_id').lookup.usageOf(id, any)
})

test('usage of which a part is another’s is nobody’s but the admin’s', async () => {
  const { outbox, lookup } = start(memoryPlace())
  const [first, second] = [recordOf('anna'), recordOf('ben')]
  await outbox.append([first, second])
  const id = mintRecordId(Date.now())
  lookup.note(id, [first, second])
  expect(await refused(() => lookup.usageOf(id, anna))).toMatchObject({ status: 404 })
  expect((await lookup.usageOf(id, 'admin')).records).toHaveLength(2)
})

test.each([
  [[], '0'],
  [['0.1', '0.2'], '0.3'],
  [['1', '2.50'], '3.5'],
  [['0.000000000001', '123456789012345678'], '123456789012345678.000000000001'],
  [['0.5', '-0.75'], '-0.25'],
])('the sum of %j is %s', (amounts, sum) => {
  expect(exactSum(amounts)).toBe(sum)
})
