import { expect, onTestFinished } from 'vitest'
import type { GuardedCall } from '@token-meter/core'
import { cost, type ModelPrice } from '@token-meter/core/cost'
import type { Outbox } from '@token-meter/core/outbox'
import { exampleRecord } from '@token-meter/testkit'
import { createCredits, type CreditsOptions, type GuardOptions } from '../src/index.ts'

export const price: ModelPrice = {
  input: { base: 1, above: [{ inputTokens: 1000, price: 2 }] },
  cachedInput: '0.1',
  cachedWrite: '1.25',
  cachedWrite1h: 2,
  output: { base: 10, above: [{ inputTokens: 1000, price: 20 }] },
  serviceTiers: { flex: '0.5', priority: 2, batch: '0.5' },
}
const prices = { m: price, dear: { ...price, output: 30 } }

export type Overrides = Partial<Omit<GuardedCall, 'bounds'>> & {
  readonly bounds?: Partial<ReturnType<GuardedCall['bounds']>>
  readonly body?: Readonly<Record<string, unknown>>
  readonly endpoint?: string
}

/** A call of 100 tokens of input (400 bytes) and at most 50 of output: 100 + 500 millionths of a dollar. */
export function calling({
  bounds,
  body = {},
  endpoint = 'chat.completions',
  ...own
}: Overrides = {}): GuardedCall {
  return {
    call: { provider: 'openai', endpoint, method: 'POST', body },
    customer: 'cus_1',
    attributes: {},
    model: 'm',
    pools: [],
    isLinked: false,
    bounds: () => ({
      inputBytes: 400,
      maxOutput: 50,
      answers: 1,
      beyond: [],
      cacheWrites: false,
      noOutput: false,
      ...bounds,
    }),
    likelyInput: () => 100,
    ...own,
  }
}

type Own = Partial<CreditsOptions> & { readonly usd?: string; readonly tokens?: string }

export type StartGuard = (options?: GuardOptions, own?: Own) => ReturnType<typeof startGuard>

/** Credits of one customer, and a guard of them. */
export async function startGuard(
  outbox: Outbox,
  options: GuardOptions = {},
  { usd, tokens, ...own }: Own = {},
) {
  onTestFinished(async () => void (await outbox.close()))
  const credits = createCredits({ outbox, ephemeral: true, cost: cost({ prices }), ...own })
  // Calls that a test leaves under way outlive its store.
  credits.on('error', () => undefined)
  if (usd !== undefined) await credits.grant('cus_1', { usd, idempotencyKey: 'usd' })
  if (tokens !== undefined) await credits.grant('cus_1', { tokens, idempotencyKey: 'tokens' })
  const guard = credits.guard(options)
  const admit = async (overrides?: Overrides) => guard.admit(calling(overrides))
  const refused = async (overrides?: Overrides): Promise<unknown> => {
    try {
      await guard.admit(calling(overrides))
    } catch (error) {
      return error
    }
    return expect.fail('it was let go')
  }
  const held = async (unit: 'usd' | 'tokens' = 'usd') =>
    (await credits.balance('cus_1', { unit })).held
  return { outbox, credits, guard, admit, refused, held }
}

/** A record that costs so much. */
export const costing = (id: string, billed: string) =>
  exampleRecord({
    id,
    customer: 'cus_1',
    cost: { currency: 'USD', provider: billed, billed, source: 'prices' },
  })
