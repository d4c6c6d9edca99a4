import { checkKeys } from '../errors/option-check.ts'
import { type ModelSlug, modelSlug } from '../usage/model-slug.ts'
import { tokenTypes } from '../usage/token-counts.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** One billable number: the tokens of one type that one response used. */
export interface MeterEvent {
  /** `<record id>:<token type>`: the same on every retry, in every process. */
  readonly id: string
  /** The meter's event name. */
  readonly name: string
  readonly customer: string
  /** Tokens, a whole number above 0. */
  readonly value: number
  /** When the response ended, in ms since the epoch. */
  readonly timestamp: number
  /** `model` and `token_type`, and the record's attributes. */
  readonly dimensions: Readonly<Record<string, string>> & {
    readonly model: string
    readonly token_type: string
  }
}

/** The event name that Stripe's and Vercel's token meters listen to. */
export const defaultEventName = 'token-billing-tokens'

export interface MeterEventOptions {
  /** @default 'token-billing-tokens' */
  readonly eventName?: string
  /** How a model is written. @default modelSlug */
  readonly modelSlug?: ModelSlug
}

const known = { eventName: true, modelSlug: true } as const

/**
 * One meter event per non-zero token type of a record. A record without a customer has none, as
 * nobody can be billed for it yet, and one that is `unbilled` has none either.
 * @throws ConfigError for an option that there is not.
 */
export function toMeterEvents(record: UsageRecord, options: MeterEventOptions = {}): MeterEvent[] {
  checkKeys<MeterEventOptions>('toMeterEvents', options, known)
  if (record.customer === null || record.unbilled !== undefined) return []
  const { customer, tokens } = record
  const name = options.eventName ?? defaultEventName
  const model = (options.modelSlug ?? modelSlug)(record.provider, record.model)
  return tokenTypes
    .filter(({ count }) => tokens[count] > 0)
    .map(({ count, type }) => ({
      id: `${record.id}:${type}`,
      name,
      customer,
      value: tokens[count],
      timestamp: record.at,
      // Last, so that no attribute can stand in for what decides the price.
      dimensions: { ...record.attributes, model, token_type: type },
    }))
}
