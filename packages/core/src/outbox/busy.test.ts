import { afterEach, expect, test, vi } from 'vitest'
import { BusyTime } from './busy.ts'

const busy = Object.assign(new Error('locked'), { busy: true })

afterEach(() => void vi.useRealTimers())

test('a busy outbox is reported only when it stays so, and not all the time', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const time = new BusyTime()
  const reports = (seconds: number) => {
    let count = 0
    for (let second = 0; second < seconds; second++) {
      vi.advanceTimersByTime(1000)
      if (time.isWorthReporting(busy)) count++
    }
    return count
  }
  expect(reports(20)).toBe(0)
  time.over()
  expect(reports(20)).toBe(0)
  expect(reports(70)).toBe(2)
})

test('any other failure is reported at once', () => {
  expect(new BusyTime().isWorthReporting(new Error('damaged'))).toBe(true)
})
