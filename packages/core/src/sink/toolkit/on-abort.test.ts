import { expect, test, vi } from 'vitest'
import { onAbort } from './on-abort.ts'

test('everybody who still waits is called, by one listener', () => {
  const controller = new AbortController()
  const added = vi.spyOn(controller.signal, 'addEventListener')
  const called: string[] = []
  onAbort(controller.signal, () => called.push('a'))
  const end = onAbort(controller.signal, () => called.push('b'))
  onAbort(controller.signal, () => called.push('c'))
  end()
  controller.abort()
  expect(called).toEqual(['a', 'c'])
  expect(added).toHaveBeenCalledTimes(1)
})

test('nothing is left on the signal, and it can be used again', () => {
  const controller = new AbortController()
  const removed = vi.spyOn(controller.signal, 'removeEventListener')
  const ends = [onAbort(controller.signal, () => {}), onAbort(controller.signal, () => {})]
  for (const end of ends) end()
  expect(removed).toHaveBeenCalledTimes(1)
  const callback = vi.fn()
  onAbort(controller.signal, callback)
  controller.abort()
  expect(callback).toHaveBeenCalledTimes(1)
})
