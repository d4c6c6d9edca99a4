import { exampleRecord } from '@token-meter/testkit/suites'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Batch, BatchEntry } from '../sink/batch.ts'
import type { SinkResult } from '../sink/sink-result.ts'
import { Outage, type SinkFailure } from './outage.ts'

const minute = 60_000
let told: SinkFailure[]
let outage: Outage
beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
  told = []
  outage = new Outage((failure) => told.push(failure))
})
afterEach(() => {
  outage.over()
  vi.useRealTimers()
})

const entry = (more: Partial<BatchEntry> = {}): BatchEntry => ({
  record: exampleRecord(),
  attempts: 0,
  firstAttemptAt: undefined,
  uncertainSince: undefined,
  deliveredEventIds: [],
  ...more,
})
const note = (results: readonly SinkResult[], more: Partial<BatchEntry> = {}) => {
  const batch: Batch = { id: 'b', sink: 's', lease: 'l', entries: results.map(() => entry(more)) }
  outage.note(batch, results, Date.now())
}
const refused: SinkResult = { status: 'retry', reason: '401 no such key' }
const accepted: SinkResult = { status: 'accepted' }

test('it is told after a minute and every hour, also when nothing is tried meanwhile', () => {
  const since = Date.now()
  note([refused, refused])
  expect(outage.failure).toEqual({ since, reason: '401 no such key' })
  vi.advanceTimersByTime(minute - 1)
  expect(told).toEqual([])
  vi.advanceTimersByTime(1)
  expect(told).toEqual([{ since, reason: '401 no such key' }])
  for (let tries = 0; tries < 59; tries++) {
    vi.advanceTimersByTime(minute)
    note([{ status: 'retry', reason: 'away' }])
  }
  expect(told).toHaveLength(1)
  vi.advanceTimersByTime(minute)
  expect(told).toEqual([told[0], { since, reason: 'away' }])
  vi.advanceTimersByTime(24 * 60 * minute)
  expect(told).toHaveLength(26)
})

test('what takes anything again is no outage, and the next begins afresh', () => {
  note([refused])
  vi.advanceTimersByTime(minute / 2)
  note([refused, accepted])
  expect(outage.failure).toBeUndefined()
  vi.advanceTimersByTime(10 * minute)
  expect(told).toEqual([])
  note([refused])
  vi.advanceTimersByTime(minute)
  note([accepted])
  note([refused])
  vi.advanceTimersByTime(minute)
  expect(told).toHaveLength(2)
})

test('a record that is refused for good shows that the backend is there', () => {
  note([refused, { status: 'rejected', reason: 'no such customer' }])
  expect(outage.failure).toBeUndefined()
})

test("what is a record's own matter is no outage, and ends none", () => {
  note([{ status: 'retry', reason: 'dated ahead', recordOnly: true }])
  expect(outage.failure).toBeUndefined()
  note([refused])
  note([{ status: 'retry', reason: 'dated ahead', recordOnly: true }])
  expect(outage.failure).toBeDefined()
})

test('a process that has just begun tells of what failed for long in others', () => {
  const since = Date.now() - 5 * minute
  note([refused], { attempts: 1, firstAttemptAt: since })
  expect(told).toEqual([])
  note([refused], { attempts: 4, firstAttemptAt: since })
  expect(told).toEqual([{ since, reason: '401 no such key' }])
})

test('its timer keeps no process alive, and ends with it', () => {
  note([refused])
  expect(vi.getTimerCount()).toBe(1)
  outage.over()
  expect(vi.getTimerCount()).toBe(0)
})
