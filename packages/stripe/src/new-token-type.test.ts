import { tokenTypes } from '@token-meter/core/sink'
import { exampleRecord } from '@token-meter/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordIdOf } from './event-ids.ts'
import { toStripeEvents } from './stripe-events.ts'

const rows = tokenTypes as unknown as object[]
beforeAll(() => void rows.push({ count: 'thinking', type: 'thinking', side: 'output' }))
afterAll(() => void rows.pop())

test('a type of tokens that is added to the list has an event, and its id names its record', () => {
  const tokens = { input: 1, cachedInput: 2, cachedWrite: 3, output: 4, thinking: 5 }
  const options = { eventName: 'tokens', value: 'tokens', cost: 'billed', costUnit: 'usd' } as const
  const events = toStripeEvents(
    exampleRecord({ id: 'a:b', tokens }),
    { ...options, tokenTypes: 'all' } as never,
    ['a:b:thinking'],
  )
  expect(events.at(-1)).toMatchObject({ identifier: 'a:b:thinking~2', payload: { value: '5' } })
  for (const { identifier } of events) expect(recordIdOf(identifier, 'tokens')).toBe('a:b')
})
