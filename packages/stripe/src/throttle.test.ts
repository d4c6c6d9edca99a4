import { expect, test } from 'vitest'
import { createThrottle } from './throttle.ts'

function start() {
  let now = 5000
  const throttle = createThrottle(() => now)
  return { throttle, pass: (ms: number) => (now += ms) }
}

test('halves, and is whole again in 15 seconds', () => {
  const { throttle, pass } = start()
  expect(throttle.share()).toBe(1)
  throttle.tighten()
  expect(throttle.share()).toBe(0.5)
  pass(7500)
  expect(throttle.share()).toBeCloseTo(0.75)
  pass(7500)
  expect(throttle.share()).toBe(1)
  pass(3_600_000)
  expect(throttle.share()).toBe(1)
})

test('many refusals of one moment halve it once', () => {
  const { throttle, pass } = start()
  for (let count = 0; count < 50; count++) throttle.tighten()
  expect(throttle.share()).toBe(0.5)
  pass(1000)
  throttle.tighten()
  expect(throttle.share()).toBeCloseTo(0.267, 2)
})

test('something always goes through', () => {
  const { throttle, pass } = start()
  for (let count = 0; count < 50; count++) {
    throttle.tighten()
    pass(1000)
  }
  expect(throttle.share()).toBeGreaterThan(1 / 32)
})
