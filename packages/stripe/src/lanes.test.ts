import { expect, test } from 'vitest'
import { createLanes } from './lanes.ts'
import { createSemaphore } from './semaphore.ts'

const never = new AbortController().signal

/** Work that counts itself while it is under way. */
function counter() {
  const inFlight = new Map<string, number>()
  const most = { inOneLane: 0, inAll: 0 }
  const work = async (lane: string) => {
    inFlight.set(lane, (inFlight.get(lane) ?? 0) + 1)
    const all = [...inFlight.values()].reduce((sum, count) => sum + count, 0)
    most.inOneLane = Math.max(most.inOneLane, inFlight.get(lane) ?? 0)
    most.inAll = Math.max(most.inAll, all)
    await new Promise((resolve) => setTimeout(resolve, 2))
    inFlight.set(lane, (inFlight.get(lane) ?? 0) - 1)
  }
  return { most, work }
}

test('one at a time in a lane, lanes side by side, all within the limit', async () => {
  const lanes = createLanes(createSemaphore(3))
  const { most, work } = counter()
  const names = Array.from({ length: 50 }, (_, index) => `lane-${index % 5}`)
  await Promise.all(names.map((name) => lanes.run(name, never, () => work(name))))
  expect(most).toEqual({ inOneLane: 1, inAll: 3 })
})

test('a lane keeps the order, and goes on after a failure', async () => {
  const lanes = createLanes(createSemaphore(10))
  const order: number[] = []
  const runs = [1, 2, 3].map((number) =>
    lanes.run('a', never, async () => {
      order.push(number)
      if (number === 1) throw new Error('failed')
    }),
  )
  expect((await Promise.allSettled(runs)).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'fulfilled',
  ])
  expect(order).toEqual([1, 2, 3])
})

test('abandoned work keeps its lane until it ends', async () => {
  const lanes = createLanes(createSemaphore(10))
  const controller = new AbortController()
  let end = () => {}
  const abandoned = lanes.run('a', controller.signal, () => new Promise<void>((r) => (end = r)))
  const next = lanes.run('a', never, async () => 'next')
  // Let the work begin: what is aborted before it begins never runs.
  await new Promise((resolve) => setTimeout(resolve, 1))
  controller.abort(new Error('enough'))
  await expect(abandoned).rejects.toThrow('enough')
  const early = Promise.race([next, new Promise((resolve) => setTimeout(resolve, 20, 'waits'))])
  expect(await early).toBe('waits')
  end()
  expect(await next).toBe('next')
})
