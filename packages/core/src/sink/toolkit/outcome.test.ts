import { expect, test } from 'vitest'
import { type EventOutcome, recordResult } from './outcome.ts'

const accepted: EventOutcome = { status: 'accepted' }
const rejected: EventOutcome = { status: 'rejected', reason: 'bad value' }
const retry = (afterMs?: number): EventOutcome => ({
  status: 'retry',
  reason: 'busy',
  afterMs,
  scope: 'event',
})
const events = (...outcomes: EventOutcome[]) =>
  outcomes.map((outcome, index) => ({ id: `r:${index}`, outcome }))

test('all accepted is accepted; nothing to send is too', () => {
  expect(recordResult([], events(accepted, accepted))).toEqual({ status: 'accepted' })
  expect(recordResult(['r:0'], [])).toEqual({ status: 'accepted' })
})

test('one retry makes it a retry that remembers what arrived, now and before', () => {
  expect(recordResult(['r:9'], events(accepted, retry(5), retry(70)))).toEqual({
    status: 'retry',
    reason: 'busy',
    afterMs: 70,
    recordOnly: true,
    deliveredEventIds: ['r:9', 'r:0'],
  })
  expect(recordResult([], events(retry()))).not.toHaveProperty('afterMs')
})

test('one event that may have arrived makes the record uncertain', () => {
  const lost: EventOutcome = {
    status: 'retry',
    scope: 'backend',
    reason: 'lost',
    uncertain: true,
  }
  expect(recordResult([], events(accepted, retry(), lost))).toMatchObject({ uncertain: true })
  expect(recordResult([], events(accepted, retry()))).not.toHaveProperty('uncertain')
})

test('only what is the own matter of every event is the own matter of the record', () => {
  const outage: EventOutcome = { status: 'retry', scope: 'backend', reason: 'down' }
  expect(recordResult([], events(accepted, retry()))).toMatchObject({ recordOnly: true })
  expect(recordResult([], events(retry(), outage))).not.toHaveProperty('recordOnly')
})

test('what was rejected waits for what can still arrive', () => {
  expect(recordResult([], events(rejected, retry()))).toMatchObject({ status: 'retry' })
  expect(recordResult(['r:1'], events(rejected))).toEqual({
    status: 'rejected',
    reason: 'bad value',
    deliveredEventIds: ['r:1'],
  })
})

test('what the events of a record were refused for is said once, or as the sink says it', () => {
  const other: EventOutcome = { status: 'rejected', reason: 'no meter' }
  const sent = events(rejected, accepted, rejected, other)
  expect(recordResult([], sent)).toMatchObject({ reason: 'bad value; no meter' })
  const ids = recordResult([], sent, (refused) => refused.map(({ id }) => id).join())
  expect(ids).toMatchObject({ reason: 'r:0,r:2,r:3' })
})
