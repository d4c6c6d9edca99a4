import { expect, test } from 'vitest'
import { httpHeaders } from './http-headers.ts'
import { statedCost, withoutUnknownCost } from './stated-cost.ts'

test.each([
  [{ cost: 0.5 }, { providerCostUsd: 0.5 }],
  [{ cost: 0 }, { providerCostUsd: 0 }],
  [{ cost: { total_cost: 0.5 } }, { providerCostUsd: 0.5 }],
  [{ cost: { total_cost: 0 } }, { providerCostUsd: 0 }],
  [{ cost_in_usd_ticks: 37_756_000 }, { providerCostUsd: 0.0037756 }],
  [{ cost_in_usd_ticks: 0 }, { providerCostUsd: 0 }],
  [{ estimated_cost: 0.000045 }, { providerCostUsd: 0.000045 }],
  [{ cost: null, cost_details: null }, {}],
  [{ cost: -1 }, {}],
  [{ cost: 'free' }, {}],
  [
    { cost: 0, is_byok: true, cost_details: { upstream_inference_cost: 0.05 } },
    { providerCostUsd: 0, upstreamCostUsd: 0.05, byok: true },
  ],
  [
    { cost: 0.1, is_byok: true },
    { providerCostUsd: 0.1, byok: true },
  ],
  [
    { cost: 0, market_cost: 0.00051, is_byok: true },
    { providerCostUsd: 0, upstreamCostUsd: 0.00051, byok: true },
  ],
])('the cost that a usage object states: %j', (usage, stated) => {
  expect(statedCost(usage, 'openrouter')).toEqual(stated)
})

test('a 0 of a proxy that writes it where it knows no price is no cost', () => {
  expect(statedCost({ cost: 0 }, 'litellm')).toEqual({})
  expect(statedCost({ cost: 0.2 }, 'litellm')).toEqual({ providerCostUsd: 0.2 })
})

test('a 0 is none where the headers of the answer are those of LiteLLM, or its name is', () => {
  const free = { providerCostUsd: 0, reasoning: 3 }
  const ofLiteLlm = { 'content-type': 'application/json', 'x-litellm-call-id': '1' }
  for (const headers of [ofLiteLlm, new Headers(ofLiteLlm)]) {
    expect(withoutUnknownCost(free, 'mycorp', httpHeaders(headers))).toEqual({ reasoning: 3 })
  }
  expect(withoutUnknownCost(free, 'litellm', undefined)).toEqual({ reasoning: 3 })
  expect(withoutUnknownCost(free, 'mycorp', httpHeaders({ 'x-request-id': '1' }))).toBe(free)
  expect(withoutUnknownCost(free, 'mycorp', undefined)).toBe(free)
  const paid = { providerCostUsd: 0.5 }
  expect(withoutUnknownCost(paid, 'litellm', httpHeaders(ofLiteLlm))).toBe(paid)
})
