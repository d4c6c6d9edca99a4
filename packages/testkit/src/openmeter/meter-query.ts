import { addDecimals, isDecimal } from '../sums/add-decimals.ts'
import type { IngestedEvent } from './ingested-event.ts'

/** A SUM meter, as it is set up in OpenMeter. */
export interface FakeMeter {
  readonly eventType: string
  /** `$.tokens`: only properties of `data` itself. */
  readonly valueProperty: string
  /** Names of groups, and where in an event they are: `{ model: '$.model' }`. */
  readonly groupBy?: Readonly<Record<string, string>>
}

/** One row of a meter, queried by subject and all of its groups. */
export interface MeterRow {
  readonly subject: string
  readonly groups: Readonly<Record<string, string>>
  /** An exact decimal. */
  readonly value: string
}

/** What a meter says of events; those without a number at its value property do not count. */
export function queryMeter(
  events: readonly IngestedEvent[],
  { eventType, valueProperty, groupBy = {} }: FakeMeter,
): readonly MeterRow[] {
  const rows = new Map<string, MeterRow>()
  for (const { type, subject, data } of events) {
    if (type !== eventType) continue
    const groups = Object.fromEntries(
      Object.entries(groupBy).map(([name, path]) => [name, String(at(data, path) ?? '')]),
    )
    const key = JSON.stringify([subject, groups])
    const given = at(data, valueProperty)
    if (!isDecimal(given)) continue
    const value = addDecimals(rows.get(key)?.value ?? '0', String(given))
    rows.set(key, { subject, groups, value })
  }
  return [...rows.values()]
}

function at(data: IngestedEvent['data'], path: string): unknown {
  return data[path.replace(/^\$\./, '')]
}
