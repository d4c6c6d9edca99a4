import type { TokenCounts, UsageRecord } from '@token-meter/core/wire'
import { createRandom } from './random.ts'

/** One call of a producer. Its key decides everything about it, so that any process can tell. */
export interface PlannedCall {
  readonly key: string
  readonly customer: string
  readonly model: string
  /** `meter.record()`, or a metered OpenAI client. */
  readonly way: 'record' | 'chat' | 'stream'
  readonly tokens: TokenCounts
  /** An attribute, by which Stripe could price it. */
  readonly feature: string
}

const customers = ['cus_a', 'cus_b', 'cus_c', 'cus_d', 'cus_e', 'cus_f', 'cus_g', 'cus_h'] as const
const models = ['gpt-5.4', 'gpt-5.4-mini', 'gpt-5.4-nano'] as const

export function plannedCall(key: string): PlannedCall {
  const random = createRandom(key)
  // Some customers use far more than others.
  const customer = random.oftenFirst(customers)
  const model = random.oftenFirst(models)
  const way = random.oneOf(['record', 'chat', 'stream'] as const)
  const tokens = {
    input: random.between(0, 5000),
    cachedInput: random.oneOf([0, random.between(1, 3000)]),
    // Chat completions know no cache writes.
    cachedWrite: way === 'record' ? random.oneOf([0, random.between(1, 900)]) : 0,
    output: random.between(1, 2000),
  }
  const feature = random.oneOf(['chat', 'search'] as const)
  return { key, customer, model, way, tokens, feature }
}

/**
 * The key of the call that a record is of. It is in the usage object itself, where it keeps no two
 * records from being summed.
 */
export function keyOf({ raw }: UsageRecord): string {
  return String((raw as { call?: unknown } | null)?.call)
}
