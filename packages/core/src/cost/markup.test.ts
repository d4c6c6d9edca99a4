import { exampleRecord } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import { cost } from './cost.ts'
import type { Markups, Percent } from './markup.ts'

const prices = () => '0.1'

function billed(markup: Percent | Markups, overrides = {}) {
  const answer = cost({ prices, markup })(exampleRecord(overrides))
  return 'billed' in answer ? [answer.provider, answer.billed] : answer
}

test.each([
  [undefined, '0.1'],
  [20, '0.12'],
  ['12.5', '0.1125'],
  [0.1, '0.1001'],
  [-25, '0.075'],
  [-100, '0'],
])('%s percent is added exactly', (markup, expected) => {
  expect(billed(markup as Percent)).toEqual(['0.1', expected])
})

test('the most particular markup decides', () => {
  const markup = {
    default: 10,
    providers: { openai: 20 },
    models: { 'openai/gpt-5.4': 30, 'gpt-4o-2024-05-13': 35 },
    customers: { cus_9: 40 },
  }
  expect(billed(markup, { customer: 'cus_9' })).toEqual(['0.1', '0.14'])
  expect(billed(markup)).toEqual(['0.1', '0.13'])
  expect(billed(markup, { model: 'gpt-4o-2024-05-13' })).toEqual(['0.1', '0.135'])
  expect(billed(markup, { model: 'o3' })).toEqual(['0.1', '0.12'])
  expect(billed(markup, { model: 'o3', provider: 'groq' })).toEqual(['0.1', '0.11'])
  expect(billed({ customers: { '': 40 } }, { customer: null })).toEqual(['0.1', '0.1'])
})
