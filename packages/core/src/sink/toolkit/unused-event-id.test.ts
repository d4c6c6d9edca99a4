import { expect, test } from 'vitest'
import { unusedEventId } from './unused-event-id.ts'

test('each refusal uses up one id, and no other event of the record', () => {
  expect(unusedEventId('r:input', [])).toBe('r:input')
  expect(unusedEventId('r:input', ['r:output', 'r:cached_input'])).toBe('r:input')
  expect(unusedEventId('r:input', ['r:input'])).toBe('r:input~2')
  expect(unusedEventId('r:input', ['r:input~2', 'r:input'])).toBe('r:input~3')
})
