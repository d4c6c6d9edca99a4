import { tokenTypes } from '@token-meter/core/sink'
import { expect, test } from 'vitest'
import { recordIdOf } from './record-id-of.ts'

test('an event names its record, for every token type', () => {
  for (const { type } of tokenTypes) {
    expect(recordIdOf(`a:b:${type}`, 'tokens')).toBe('a:b')
    expect(recordIdOf(`a:b:${type}~12`, 'tokens')).toBe('a:b')
    expect(recordIdOf(`a:b:${type}`, 'cost')).toBeUndefined()
  }
  expect(recordIdOf('a:b:cost', 'cost')).toBe('a:b')
  expect(recordIdOf('a:b:cost~2', 'cost')).toBe('a:b')
  expect(recordIdOf('a:b:cost', 'tokens')).toBeUndefined()
})

test.each(['', 'input', ':input', 'r:tokens', 'r:input~', 'r:input~x', 'r:input~2:more'])(
  '%j is of no record of ours',
  (id) => {
    expect(recordIdOf(id, 'tokens')).toBeUndefined()
    expect(recordIdOf(id.replace('input', 'cost'), 'cost')).toBeUndefined()
  },
)
