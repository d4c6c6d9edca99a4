import type { UsageRecord } from '@token-meter/core/wire'

/** A plausible record with an id of its own. */
export function exampleRecord(overrides: Partial<UsageRecord> = {}): UsageRecord {
  return {
    id: crypto.randomUUID(),
    customer: 'cus_1',
    provider: 'openai',
    model: 'gpt-5.4-2026-03-05',
    requestedModel: 'gpt-5.4',
    endpoint: 'chat.completions',
    tokens: { input: 1200, cachedInput: 300, cachedWrite: 0, output: 85 },
    details: { reasoning: 20, estimated: ['output'] },
    outcome: 'complete',
    at: Date.UTC(2026, 10, 21),
    serviceTier: 'default',
    attributes: { feature: 'search' },
    raw: {
      prompt_tokens: 1500,
      completion_tokens: 85,
      prompt_tokens_details: { cached_tokens: 300 },
    },
    ...overrides,
  }
}
