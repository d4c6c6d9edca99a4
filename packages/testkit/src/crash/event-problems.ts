import { type AuditedUsage, usageOfCall } from './audited-usage.ts'
import type { ResolvedCall } from './call-log.ts'
import { repeated } from './repeated.ts'
import { usageRows } from './usage-row.ts'

interface Sides {
  readonly owed: readonly AuditedUsage[]
  readonly billed: readonly AuditedUsage[]
  readonly resolved: readonly ResolvedCall[]
  readonly aggregate: boolean
}

/**
 * What is wrong with what is billed, event by event: against the outbox, and once more against the
 * producers' own logs alone, for which it does not matter what the outbox says. Sums have events of
 * their own, so that of them only totals can be compared.
 */
export function eventProblems({ owed, billed, resolved, aggregate }: Sides): readonly string[] {
  const twice = repeated(billed.map(({ identifier }) => identifier)).map(
    (identifier) => `${identifier} is billed twice`,
  )
  const acknowledged = resolved.flatMap(({ key, recordId }) =>
    recordId === undefined ? [] : usageOfCall(key, recordId),
  )
  if (aggregate) {
    const rows = usageRows(acknowledged, billed)
    const short = rows.filter((row) => row.recorded > row.billed)
    return [
      ...twice,
      ...short.map((row) => `less is billed than was acknowledged: ${JSON.stringify(row)}`),
    ]
  }
  const isBilled = new Map(billed.map((usage) => [usage.identifier, usage]))
  const isOwed = new Map(owed.map((usage) => [usage.identifier, usage]))
  return [
    ...twice,
    ...owed
      .filter(({ identifier }) => !isBilled.has(identifier))
      .map(({ identifier }) => `${identifier} is recorded, and not billed`),
    ...billed
      .filter((usage) => !isSame(usage, isOwed.get(usage.identifier)))
      .map((usage) => `billed, and not recorded so: ${JSON.stringify(usage)}`),
    ...acknowledged
      .filter((usage) => !isSame(usage, isBilled.get(usage.identifier)))
      .map((usage) => `acknowledged, and not billed so: ${JSON.stringify(usage)}`),
  ]
}

function isSame(one: AuditedUsage, other: AuditedUsage | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
