import { modelSlug, type UsageRecord } from '@token-meter/core'
import { tokenTypes } from '@token-meter/core/wire'
import type { ReceivedEvent } from './stripe-account.ts'

export interface BillCheck {
  readonly recordedTokens: number
  readonly billedTokens: number
  readonly events: number
  /** What is billed too much, too little or twice; empty when the bill is right. */
  readonly problems: readonly string[]
}

/** Compares what was recorded with what Stripe has, by customer, model and token type. */
export function checkBill(
  recorded: readonly UsageRecord[],
  events: readonly ReceivedEvent[],
): BillCheck {
  const recordedSums = sums(recorded.flatMap(countsOf))
  const billedSums = sums(events)
  const problems: string[] = []
  for (const what of new Set([...recordedSums.keys(), ...billedSums.keys()])) {
    const [wanted = 0, billed = 0] = [recordedSums.get(what), billedSums.get(what)]
    if (wanted !== billed) problems.push(`${what}: ${wanted} recorded, ${billed} billed`)
  }
  const identifiers = new Set(events.map(({ identifier }) => identifier))
  const repeated = events.length - identifiers.size
  if (repeated > 0) problems.push(`${repeated} events have an identifier that another one has`)
  return {
    recordedTokens: total(recordedSums),
    billedTokens: total(billedSums),
    events: events.length,
    problems,
  }
}

type Counted = Pick<ReceivedEvent, 'customer' | 'model' | 'tokenType' | 'value'>

function countsOf({ customer, provider, model, tokens }: UsageRecord): Counted[] {
  return tokenTypes
    .map(({ count, type }) => ({
      customer: customer ?? 'nobody',
      model: modelSlug(provider, model),
      tokenType: type,
      value: tokens[count],
    }))
    .filter(({ value }) => value > 0)
}

function sums(counts: readonly Counted[]): ReadonlyMap<string, number> {
  const sumOf = new Map<string, number>()
  for (const { customer, model, tokenType, value } of counts) {
    const what = `${customer}, ${model}, ${tokenType}`
    sumOf.set(what, (sumOf.get(what) ?? 0) + value)
  }
  return sumOf
}

function total(sumOf: ReadonlyMap<string, number>): number {
  return [...sumOf.values()].reduce((sum, value) => sum + value, 0)
}
