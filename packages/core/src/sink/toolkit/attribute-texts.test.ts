import { expect, test } from 'vitest'
import { attributeTexts } from './attribute-texts.ts'

test('what has an obvious text is kept, and nothing that decides the bill', () => {
  const attributes = { team: 'a', seats: 3, trial: false, model: 'cheap', more: {}, none: null }
  expect(attributeTexts(attributes, new Set(['model']))).toEqual([
    ['team', 'a'],
    ['seats', '3'],
    ['trial', 'false'],
  ])
  expect(attributeTexts({ model: 'm' })).toEqual([['model', 'm']])
})
