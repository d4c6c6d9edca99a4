import { addDecimals } from '../sums/add-decimals.ts'
import type { LagoEventInput } from './lago-event-input.ts'

/** What a subscription is billed for one model and token type. */
export interface LagoBilledUsage {
  /** The external id of the subscription. */
  readonly customer: string
  readonly code: string
  readonly model: string
  readonly tokenType: string
  /** Tokens. */
  readonly value: number
}

/** What a subscription's usage of one model costs. */
export interface LagoBilledCost {
  readonly customer: string
  readonly model: string
  /** The exact sum of `response_cost`, in USD. */
  readonly cost: string
  /** The exact sum of `precise_total_amount_cents`. */
  readonly cents: string
}

const countTypes: Readonly<Record<string, string>> = {
  input_tokens: 'input',
  output_tokens: 'output',
  cached_input_tokens: 'cached_input',
  cached_write_tokens: 'cached_write',
}

/** One row per subscription, code, model and token type, in order of arrival. */
export function lagoBill(events: readonly LagoEventInput[]): readonly LagoBilledUsage[] {
  const rows = new Map<string, LagoBilledUsage>()
  for (const { external_subscription_id: customer, code, properties = {} } of events) {
    const model = String(properties['model'] ?? '')
    for (const [tokenType, value] of countsOf(properties)) {
      const key = JSON.stringify([customer, code, model, tokenType])
      // Negative numbers take usage back.
      const sum = (rows.get(key)?.value ?? 0) + value
      rows.set(key, { customer, code, model, tokenType, value: sum })
    }
  }
  return [...rows.values()].filter(({ value }) => value !== 0)
}

function countsOf(properties: Readonly<Record<string, unknown>>): [type: string, count: number][] {
  const type = properties['token_type']
  if (typeof type === 'string') return [[type, summand(properties['value'])]]
  return Object.entries(countTypes).map(([name, type]) => [type, summand(properties[name])])
}

/** One row per subscription and model, in order of arrival. */
export function lagoCosts(events: readonly LagoEventInput[]): readonly LagoBilledCost[] {
  const rows = new Map<string, LagoBilledCost>()
  for (const event of events) {
    const { external_subscription_id: customer, properties = {} } = event
    const model = String(properties['model'] ?? '')
    const key = JSON.stringify([customer, model])
    const { cost = '0', cents = '0' } = rows.get(key) ?? {}
    rows.set(key, {
      customer,
      model,
      cost: addDecimals(cost, decimalText(properties['response_cost'])),
      cents: addDecimals(cents, decimalText(event.precise_total_amount_cents)),
    })
  }
  return [...rows.values()]
}

function summand(value: unknown): number {
  return Number(decimalText(value))
}

/** Lago sums up digits, as a number or as text, and passes over the rest, also over an exponent. */
function decimalText(value: unknown): string {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : ''
  return /^-?\d+(\.\d+)?$/.test(text) ? text : '0'
}
