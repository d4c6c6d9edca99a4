import { expect, test } from 'vitest'
import type { EventOutcome, EventRetry } from './event-outcome.ts'
import { createSendBrake } from './send-brake.ts'

const retry = (reach: EventRetry['reach']): EventRetry => ({ status: 'retry', reason: 'x', reach })
const accepted: EventOutcome = { status: 'accepted' }

function pulledAfter(...outcomes: EventOutcome[]): boolean {
  const brake = createSendBrake()
  for (const outcome of outcomes) brake.note(outcome)
  return brake.pulled !== undefined
}

test('what reaches the whole account stops the send at once', () => {
  expect(pulledAfter(accepted, retry('account'))).toBe(true)
})

test('three failures in a row do, but not with an answer between them', () => {
  const outage = retry('outage')
  expect(pulledAfter(outage, outage)).toBe(false)
  expect(pulledAfter(outage, outage, outage)).toBe(true)
  expect(pulledAfter(outage, outage, accepted, outage)).toBe(false)
})

test('what is not sent because of it has certainly not arrived', () => {
  const brake = createSendBrake()
  for (let count = 0; count < 3; count++) brake.note({ ...retry('outage'), uncertain: true })
  expect(brake.pulled).toEqual(retry('outage'))
})

test('bad luck of one event never does', () => {
  expect(pulledAfter(...Array.from({ length: 9 }, () => retry('event')))).toBe(false)
})
