import { expect, test } from 'vitest'
import { createSemaphore } from './semaphore.ts'

const never = new AbortController().signal

test('lets in as many as it has places, then in order', async () => {
  const semaphore = createSemaphore(2)
  const order: number[] = []
  const releases = [await semaphore.acquire(never), await semaphore.acquire(never)]
  const waiting = [1, 2, 3].map((number) =>
    semaphore.acquire(never).then((release) => {
      order.push(number)
      releases.push(release)
    }),
  )
  await Promise.resolve()
  expect(order).toEqual([])
  for (let next = 0; next < 3; next++) {
    releases[next]?.()
    await waiting[next]
    expect(order).toHaveLength(next + 1)
  }
  expect(order).toEqual([1, 2, 3])
})

test('who gives up takes no place', async () => {
  const semaphore = createSemaphore(1)
  const release = await semaphore.acquire(never)
  const controller = new AbortController()
  const givingUp = semaphore.acquire(controller.signal)
  const patient = semaphore.acquire(never)
  controller.abort(new Error('enough'))
  await expect(givingUp).rejects.toThrow('enough')
  release()
  expect(await patient).toBeTypeOf('function')
  await expect(semaphore.acquire(AbortSignal.abort(new Error('late')))).rejects.toThrow('late')
})
