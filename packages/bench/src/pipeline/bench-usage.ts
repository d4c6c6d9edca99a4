import type { ManualUsage, UsageRecord } from '@token-meter/core'

const models = ['gpt-5.4-2026-03-05', 'gpt-5.4-mini-2026-03-17', 'gpt-5.4-nano-2026-03-17']

/**
 * Usage such as OpenAI answers it: 50 customers, 3 models, three types of token, so three meter
 * events a record.
 */
export function benchUsage(number: number, at: number): Omit<ManualUsage, 'id'> {
  const tokens = { input: 1200 + (number % 97), cachedInput: 300, output: 85 + (number % 31) }
  return {
    customer: `cus_${number % 50}`,
    provider: 'openai',
    model: models[number % models.length] ?? 'gpt-5.4',
    endpoint: 'chat.completions',
    tokens,
    details: { reasoning: 20 },
    at,
    serviceTier: 'default',
    attributes: { feature: 'search' },
    raw: {
      prompt_tokens: tokens.input + tokens.cachedInput,
      completion_tokens: tokens.output,
      total_tokens: tokens.input + tokens.cachedInput + tokens.output,
      prompt_tokens_details: { cached_tokens: tokens.cachedInput, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 0 },
    },
  }
}

export const eventsPerRecord = 3

/** The same as records, which an outbox takes. */
export function benchRecords(count: number, from = 0): UsageRecord[] {
  const at = Date.now()
  return Array.from({ length: count }, (_, index) => benchRecord(from + index, at))
}

function benchRecord(number: number, at: number): UsageRecord {
  const { tokens, serviceTier = null, attributes, endpoint = '', ...usage } = benchUsage(number, at)
  return {
    id: orderedId(number, at),
    ...usage,
    requestedModel: 'gpt-5.4',
    endpoint,
    tokens: { input: 0, cachedInput: 0, cachedWrite: 0, output: 0, ...tokens },
    details: usage.details ?? {},
    outcome: 'complete',
    at,
    serviceTier,
    attributes: attributes as Record<string, string>,
    raw: usage.raw,
  }
}

/**
 * A UUIDv7, like the ids that the meter mints: their order decides how an index grows. As of a
 * hundred records a ms, in no order within it.
 */
function orderedId(number: number, at: number): string {
  const time = (at + Math.floor(number / 100)).toString(16).padStart(12, '0')
  const random = crypto.randomUUID()
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`
}
