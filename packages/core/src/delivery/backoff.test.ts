import { expect, test } from 'vitest'
import type { SinkResult } from '../sink/sink-result.ts'
import { SinkPause } from './backoff.ts'

const hourMs = 60 * 60_000
const retry: SinkResult = { status: 'retry', reason: 'busy' }

test('batch after batch that fails makes a pause, one that fails again and again does not', () => {
  const pause = new SinkPause({ baseMs: hourMs, maxMs: hourMs })
  for (let times = 0; times < 100; times++) pause.note('a', [retry])
  expect(pause.leftMs()).toBeLessThanOrEqual(0)
  pause.note('b', [retry, { status: 'accepted' }])
  pause.note('c', [retry])
  expect(pause.leftMs()).toBeLessThanOrEqual(0)
  pause.note('d', [retry])
  expect(pause.leftMs()).toBeGreaterThan(0)
  pause.endBackoff()
  expect(pause.leftMs()).toBeLessThanOrEqual(0)
})

test('a batch can have more records than a call has room for arguments', () => {
  const pause = new SinkPause({ baseMs: 1, maxMs: 1 })
  const answers = Array.from({ length: 300_000 }, () => ({ ...retry, afterMs: hourMs }))
  pause.note('a', answers)
  expect(pause.leftMs()).toBeGreaterThan(hourMs / 2)
})
