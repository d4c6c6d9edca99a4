import { addDecimals } from '../sums/add-decimals.ts'
import type { UsageEvent } from './usage-event.ts'

/** What a customer is billed for one model and token type. */
export interface BilledTokens {
  readonly customer: string
  readonly provider: string
  readonly model: string
  readonly tokenType: string
  /** Tokens. */
  readonly value: number
}

/** What a customer is billed by value, for one model. */
export interface BilledCost {
  readonly customer: string
  readonly model: string
  /** The exact sum of the `cost` properties, as a decimal. */
  readonly cost: string
}

/** The properties that token billing has a metric for. */
const metrics = {
  input_tokens: 'input',
  cached_input_tokens: 'cached_input',
  output_tokens: 'output',
  cached_write_tokens: 'cached_write',
}

/**
 * Sums events into one row per customer, provider, model and token type, in order of arrival; sums
 * of 0 are left out. A property that is no number, nor one in a string, counts for nothing; a negative
 * one takes off.
 */
export function billedTokens(events: readonly UsageEvent[]): readonly BilledTokens[] {
  const rows = new Map<string, BilledTokens>()
  for (const { customer_id: customer, properties = {} } of events) {
    for (const [property, tokenType] of Object.entries(metrics)) {
      const count = Number(properties[property] ?? 0)
      if (Number.isNaN(count)) continue
      const row = { customer, ...modelOf(properties), tokenType }
      const key = JSON.stringify(row)
      rows.set(key, { ...row, value: count + (rows.get(key)?.value ?? 0) })
    }
  }
  return [...rows.values()].filter(({ value }) => value !== 0)
}

/** Sums the costs of events into one row per customer and model, in order of arrival. */
export function billedCosts(events: readonly UsageEvent[]): readonly BilledCost[] {
  const rows = new Map<string, BilledCost>()
  for (const { customer_id: customer, properties = {} } of events) {
    const { cost } = properties
    if (typeof cost !== 'string' && typeof cost !== 'number') continue
    const { model } = modelOf(properties)
    const key = JSON.stringify([customer, model])
    const sum = addDecimals(rows.get(key)?.cost ?? '0', String(cost))
    rows.set(key, { customer, model, cost: sum })
  }
  return [...rows.values()]
}

function modelOf({ provider, model }: Readonly<Record<string, unknown>>) {
  return { provider: String(provider ?? ''), model: String(model ?? '') }
}
