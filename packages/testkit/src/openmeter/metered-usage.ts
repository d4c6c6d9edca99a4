import type { IngestedEvent } from './ingested-event.ts'
import { queryMeter, type MeterRow } from './meter-query.ts'

/** What a customer is billed for one model and token type. */
export interface MeteredUsage {
  readonly customer: string
  readonly model: string
  readonly tokenType: string
  /** Tokens. */
  readonly value: number
}

/** What usage of one model costs a customer. */
export interface MeteredCost {
  readonly customer: string
  readonly model: string
  /** USD, an exact decimal. */
  readonly cost: string
}

const byModel = { model: '$.model' }
/** The counts of an event that carries all types at once. */
const countProperties = {
  input: '$.input_tokens',
  cached_input: '$.cached_input_tokens',
  cached_write: '$.cached_write_tokens',
  output: '$.output_tokens',
}

/** The tokens of events of any type, in either form: one type each, or all types at once. */
export function meteredUsage(events: readonly IngestedEvent[]): readonly MeteredUsage[] {
  return eventTypes(events).flatMap((eventType) => {
    const groupBy = { ...byModel, type: '$.type' }
    const single = queryMeter(events, { eventType, valueProperty: '$.tokens', groupBy })
    const whole = Object.entries(countProperties).flatMap(([tokenType, valueProperty]) =>
      queryMeter(events, { eventType, valueProperty, groupBy: byModel }).map((row): MeterRow => ({
        ...row,
        groups: { ...row.groups, type: tokenType },
      })),
    )
    return [...single, ...whole]
      .filter(({ value }) => value !== '0')
      .map(({ subject, groups, value }) => ({
        customer: subject,
        model: groups['model'] ?? '',
        tokenType: groups['type'] ?? '',
        value: Number(value),
      }))
  })
}

/** The costs of events of any type. */
export function meteredCosts(events: readonly IngestedEvent[]): readonly MeteredCost[] {
  return eventTypes(events).flatMap((eventType) =>
    queryMeter(events, { eventType, valueProperty: '$.cost', groupBy: byModel }).map(
      ({ subject, groups, value }) => ({
        customer: subject,
        model: groups['model'] ?? '',
        cost: value,
      }),
    ),
  )
}

function eventTypes(events: readonly IngestedEvent[]): readonly string[] {
  return [...new Set(events.map(({ type }) => type))]
}
