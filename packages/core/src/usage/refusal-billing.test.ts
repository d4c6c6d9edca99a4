import { expect, test } from 'vitest'
import { refusalBilling } from './refusal-billing.ts'

test.each([
  ['cyber', 'refusal:cyber'],
  ['general_harms', 'refusal:general_harms'],
  [null, 'refusal:null'],
  [undefined, 'refusal:null'],
  ['', 'refusal:null'],
])('Anthropic does not bill a refusal for %s', (category, unbilled) => {
  expect(refusalBilling('anthropic', category)).toEqual({ unbilled })
})

test.each(['bio', 'frontier_llm', 'reasoning_extraction'])('and bills one for %s', (category) => {
  expect(refusalBilling('anthropic', category)).toEqual({})
})

test('a category that nobody knows is billed and told, without quoting more than a code', () => {
  const told = (category: unknown) => refusalBilling('anthropic', category)
  expect(told('nuclear')).toEqual({ problem: expect.stringContaining('"nuclear"') as string })
  for (const odd of ['the user asked: how do I', 7, {}, 'x'.repeat(65), 'constructor: x']) {
    expect(told(odd)).toEqual({ problem: expect.stringContaining('no code') as string })
  }
})

test.each(['bedrock', 'vertex', 'azure', 'openrouter', 'constructor'])(
  '%s bills all of them',
  (provider) => {
    for (const category of ['cyber', null, 'bio', 'nuclear']) {
      expect(refusalBilling(provider, category)).toEqual({})
    }
  },
)
