import { expect, test } from 'vitest'
import { nearestName } from './nearest-name.ts'

const options = [
  'providers',
  'outbox',
  'sinks',
  'onError',
  'retentionMs',
  'awaitDeliveryMs',
  'cost',
]

test.each([
  ['sink', 'sinks'],
  ['snisk', 'sinks'],
  ['Providers', 'providers'],
  ['onerror', 'onError'],
  ['retention', 'retentionMs'],
  ['costs', 'cost'],
  ['costCalculator', 'cost'],
  ['x', undefined],
  ['plugins', undefined],
  ['a', undefined],
])('%s is probably %s', (given, meant) => {
  expect(nearestName(given, options)).toBe(meant)
})

test('two letters that changed places are one change', () => {
  expect(nearestName('strpie', ['lago', 'stripe'])).toBe('stripe')
})
