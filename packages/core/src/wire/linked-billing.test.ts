import { expect, test } from 'vitest'
import { isLinkedBilling, ownValue } from './linked-billing.ts'

const linked = { billing_policy: { type: 'billing_policy', bill_to: 'user_profile' } }

test('a request that names the customer as who is billed is linked, at Anthropic itself', () => {
  expect(isLinkedBilling('anthropic', linked)).toBe(true)
  expect(isLinkedBilling('anthropic', { billing_policy: { bill_to: 'user_profile' } })).toBe(true)
  for (const provider of ['deepseek', 'openai', 'bedrock', 'litellm']) {
    expect(isLinkedBilling(provider, linked)).toBe(false)
  }
})

test.each([
  {},
  { billing_policy: null },
  { billing_policy: { bill_to: 'self' } },
  { billing_policy: 'user_profile' },
  { billing_policy: [{ bill_to: 'user_profile' }] },
])('%j is billed as usual', (body) => {
  expect(isLinkedBilling('anthropic', body)).toBe(false)
})

test('no getter of the caller is run, and a body that is out of reach hurts nobody', () => {
  let runs = 0
  const body = Object.defineProperty({}, 'billing_policy', { get: () => ++runs })
  expect(isLinkedBilling('anthropic', body)).toBe(false)
  expect(runs).toBe(0)
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  expect(ownValue(proxy, 'billing_policy')).toBeUndefined()
})
