import { modelSlug } from '@token-meter/core/sink'
import { tokenTypes, type TokenCounts, type UsageRecord } from '@token-meter/core/wire'
import type { MeterEventParams } from '../stripe/meter-event-params.ts'
import { plannedCall } from './planned-call.ts'

/** Tokens of one type, as an outbox, a bill or a call's own plan has them. */
export interface AuditedUsage {
  readonly identifier: string
  readonly customer: string
  readonly model: string
  readonly feature: string
  readonly tokenType: string
  readonly value: number
}

export function usageOfRecord(record: UsageRecord): readonly AuditedUsage[] {
  const { id, customer, provider, tokens, attributes } = record
  const model = modelSlug(provider, record.model)
  return perType(id, tokens, {
    customer: customer ?? '',
    model,
    feature: attributes['feature'] ?? '',
  })
}

/** What a call uses, by its key alone. */
export function usageOfCall(key: string, recordId: string): readonly AuditedUsage[] {
  const { customer, model, tokens, feature } = plannedCall(key)
  return perType(recordId, tokens, { customer, model: modelSlug('openai', model), feature })
}

export function billedUsage({ identifier = '', payload }: MeterEventParams): AuditedUsage {
  const { stripe_customer_id: customer = '', model = '', feature = '' } = payload
  const { token_type: tokenType = '', value } = payload
  return { identifier, customer, model, feature, tokenType, value: Number(value) }
}

function perType(
  id: string,
  tokens: TokenCounts,
  common: { readonly customer: string; readonly model: string; readonly feature: string },
): readonly AuditedUsage[] {
  return tokenTypes
    .filter(({ count }) => tokens[count] > 0)
    .map(({ count, type: tokenType }) => ({
      identifier: `${id}:${tokenType}`,
      ...common,
      tokenType,
      value: tokens[count],
    }))
}
