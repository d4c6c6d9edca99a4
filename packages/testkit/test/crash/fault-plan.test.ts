import { setTimeout as sleep } from 'node:timers/promises'
import { type FakeStripe, startFakeStripe } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import { createFaultPlan } from '../../src/crash/fault-plan.ts'

const count = 60

async function post(stripe: FakeStripe, index: number, hangs: boolean): Promise<void> {
  const abort = new AbortController()
  const url = `${stripe.url}/v2/billing/meter_events`
  const posted = fetch(url, { method: 'POST', body: '{}', signal: abort.signal }).catch(() => {})
  while (hangs && stripe.requests.length <= index) await sleep(1)
  if (hangs) abort.abort()
  await posted
}

test('it tells what each request got', async () => {
  await using stripe = await startFakeStripe()
  const plan = createFaultPlan(stripe, '1')
  plan.keepGoing()
  for (let index = 0; index < count; index++) {
    await post(stripe, index, plan.at(index)?.connection === 'hang')
  }
  plan.end()
  await post(stripe, count, false)

  const planned = stripe.requests.map((_, index) => plan.at(index))
  // No key was sent, so what had no fault, or one that leaves the answer alone, is a 401.
  const expected = planned.map((fault) =>
    fault?.connection === undefined ? (fault?.status ?? 401) : undefined,
  )
  expect(stripe.requests.map(({ status }) => status)).toEqual(expected)
  const faults = planned.filter((fault) => fault !== undefined)
  expect(faults.length).toBeGreaterThan(3)
  const served = Object.values(plan.served()).reduce((sum, times) => sum + times, 0)
  expect(served).toBe(faults.length)
  expect(planned[count]).toBeUndefined()
})

test('a third of the requests fail, each in one of many ways', async () => {
  await using stripe = await startFakeStripe()
  const plan = createFaultPlan(stripe, '1')
  plan.keepGoing()
  const planned = Array.from({ length: 5000 }, (_, index) => plan.at(index))
  const failures = planned.filter((fault) => fault !== undefined && fault.forgetsKey !== true)
  expect(failures.length / planned.length).toBeGreaterThan(0.28)
  expect(failures.length / planned.length).toBeLessThan(0.4)
  const ways = failures.map((fault) =>
    JSON.stringify([fault?.status, fault?.connection, fault?.processed]),
  )
  expect(new Set(ways).size).toBe(11)
})

test('the seed decides it', async () => {
  await using stripe = await startFakeStripe()
  const [first, same, other] = ['1', '1', '2'].map((seed) => {
    const plan = createFaultPlan(stripe, seed)
    plan.keepGoing()
    return Array.from({ length: 1000 }, (_, index) => plan.at(index))
  })
  expect(same).toEqual(first)
  expect(other).not.toEqual(first)
})
