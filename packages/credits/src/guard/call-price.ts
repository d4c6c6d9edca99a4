/**
 * What a call can cost at the most: the record it would have is priced by the meter's own calculator,
 * so that tiers of long inputs, tiers of service, fees and markup are those of its record.
 */
import type { GuardedCall } from '@token-meter/core'
import type { CostCalculator, Unpriced } from '@token-meter/core/cost'
import type { UsageRecord } from '@token-meter/core/outbox'
import { billedOf } from '../record-price.ts'
import type { CallSize } from './call-size.ts'

/** What a call costs with so much output of all its answers, in parts of a dollar. */
export interface CallPrice {
  /** What it can come to at the most. */
  readonly most: bigint
  /** What its input alone comes to in all likelihood. */
  readonly input: bigint
  costOf(output: number): bigint
}

/** Why nothing has a price where `createCredits` has no `cost`. */
export const withoutCost = 'createCredits() was given no cost calculator'

/** Models of which an inline batch is made are priced up to so many different ones. */
const mostModels = 20

/**
 * @param calculate nothing where `createCredits` has no `cost`.
 * @param at ms since the epoch: prices change.
 */
export function callPrice(
  call: GuardedCall,
  size: CallSize,
  at: number,
  { calculate, isBound }: { readonly calculate: CostCalculator | undefined; isBound: boolean },
): CallPrice | Unpriced {
  if (calculate === undefined) return { unpriced: withoutCost }
  const models = modelsOf(call)
  const [first, ...others] = models
  if (first === undefined) return { unpriced: 'its request names no model' }
  let dearest = priceOfModel(first)
  for (const model of others) {
    if ('unpriced' in dearest) return dearest
    const price = priceOfModel(model)
    if ('unpriced' in price || price.most > dearest.most) dearest = price
  }
  return dearest

  function priceOfModel(model: string): CallPrice | Unpriced {
    let reason: Unpriced | undefined
    for (const record of recordsOf(call, model, size, at, isBound)) {
      const most = priceOf(record, size.output * size.answers)
      if (typeof most === 'bigint') {
        return {
          most,
          get input() {
            const input = priceOf(inputOnly(record, size.likelyInput), 0)
            return typeof input === 'bigint' ? input : priced(record, 0, most)
          },
          costOf: (output) => priced(record, output, most),
        }
      }
      reason ??= most
    }
    return reason as Unpriced
  }

  /** A calculator that knows no price of less leaves that of all. */
  function priced(record: UsageRecord, output: number, most: bigint): bigint {
    const amount = priceOf(record, output)
    return typeof amount === 'bigint' ? amount : most
  }

  function priceOf(record: UsageRecord, output: number): bigint | Unpriced {
    const tokens = { ...record.tokens, output }
    return billedOf({ ...record, tokens }, calculate, 'most')
  }
}

/** Records that the call can have, the likeliest of the dearest first: the first that has a price counts. */
function* recordsOf(
  { call, customer, attributes }: GuardedCall,
  model: string,
  { input, writesCache, answers }: CallSize,
  at: number,
  isBound: boolean,
): Generator<UsageRecord> {
  const { provider, endpoint, body } = call
  const tokens = { input, cachedInput: 0, cachedWrite: 0, output: 0 }
  const base: UsageRecord = {
    id: 'guard',
    customer,
    provider,
    model,
    requestedModel: model,
    endpoint,
    tokens,
    details: {},
    outcome: 'estimated',
    at,
    serviceTier: tierOf(body),
    attributes,
    raw: null,
  }
  const details = {
    ...placed('speed', body, 'speed'),
    ...placed('inferenceGeo', body, 'inference_geo'),
  }
  const plain = { ...base, details }
  const isBatch = /batch/i.test(endpoint)
  // Each request of a batch pays its own fee, and its input is long or not by itself.
  const inTiers = isBatch
    ? [{ ...plain, serviceTier: 'batch', ...(answers > 1 && { requests: answers }) }, plain]
    : [plain]
  for (const record of inTiers) {
    if (writesCache) {
      const written = { ...tokens, input: 0, cachedWrite: input }
      const forAnHour = { ...details, cachedWrite1h: input }
      if (isBound) yield { ...record, tokens: written, details: forAnHour }
      yield { ...record, tokens: written }
    }
    yield record
  }
}

function inputOnly(record: UsageRecord, input: number): UsageRecord {
  const tokens = { input, cachedInput: 0, cachedWrite: 0, output: 0 }
  return { ...record, tokens }
}

/** The tier that a request asks for by name; of those that leave it to the provider it is the usual one. */
function tierOf(body: GuardedCall['call']['body']): string | null {
  const tier = read(body, 'service_tier') ?? read(body, 'serviceTier')
  const isLeftOpen = tier === undefined || tier === 'auto' || tier === 'standard_only'
  return isLeftOpen ? null : tier
}

function placed(detail: 'speed' | 'inferenceGeo', body: GuardedCall['call']['body'], name: string) {
  const value = read(body, name)
  return value === undefined ? {} : { [detail]: value }
}

/** The model of a call, or those of the requests in its batch. */
function modelsOf({ model, call }: GuardedCall): readonly string[] {
  if (model !== null) return [model]
  const models = new Set<string>()
  try {
    for (const request of (call.body['requests'] ?? []) as Iterable<unknown>) {
      const named = (request as { readonly params?: { readonly model?: unknown } }).params?.model
      if (typeof named !== 'string') return []
      models.add(named)
      if (models.size > mostModels) return []
    }
  } catch {
    return []
  }
  return [...models]
}

/** A body can be out of reach, as a revoked draft is. */
function read(body: GuardedCall['call']['body'], name: string): string | undefined {
  try {
    const value: unknown = body[name]
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * How much output an amount buys after the input, 0 where not even that. Prices rise with the output:
 * mostly by the token, which is tried first.
 */
export function affordableOutput(
  price: Pick<CallPrice, 'costOf'>,
  available: bigint,
  most: number,
): number {
  const fits = (output: number) => price.costOf(output) <= available
  if (most <= 0 || !fits(0)) return 0
  const least = price.costOf(0)
  const slope = price.costOf(most) - least
  if (slope > 0n) {
    const guess = Number(((available - least) * BigInt(most)) / slope)
    if (guess < most && fits(guess) && !fits(guess + 1)) return guess
  }
  let low = 0
  let high = most
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle - 1
  }
  return low
}
