import { expect, test } from 'vitest'
import type { EventOutcome } from './event-outcome.ts'
import { stripeRecordResult } from './record-result.ts'

const accepted: EventOutcome = { status: 'accepted' }
const rejected: EventOutcome = { status: 'rejected', reason: 'bad value' }
const busy: EventOutcome = { status: 'retry', reason: 'busy', afterMs: 5, reach: 'event' }
const events = (...outcomes: EventOutcome[]) =>
  outcomes.map((outcome, index) => ({ id: `r:${index}`, outcome }))

test('only what is the own matter of every event is the own matter of the record', () => {
  const outage: EventOutcome = { status: 'retry', reason: 'down', reach: 'outage' }
  expect(stripeRecordResult(['r:9'], events(accepted, busy))).toEqual({
    status: 'retry',
    reason: 'busy',
    afterMs: 5,
    recordOnly: true,
    deliveredEventIds: ['r:9', 'r:0'],
  })
  expect(stripeRecordResult([], events(busy, outage))).not.toHaveProperty('recordOnly')
})

test('what the events of a record were refused for is said once, with the token types', () => {
  const other: EventOutcome = { status: 'rejected', reason: 'no meter' }
  expect(stripeRecordResult(['r:9'], events(rejected, rejected, other))).toEqual({
    status: 'rejected',
    reason: '0, 1: bad value; 2: no meter',
    deliveredEventIds: ['r:9'],
  })
})
