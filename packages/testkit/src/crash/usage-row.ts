/** Tokens of one customer, model and type, as they were recorded and as they were billed. */
export interface UsageRow {
  readonly customer: string
  readonly model: string
  readonly tokenType: string
  readonly recorded: number
  readonly billed: number
}

interface Usage {
  readonly customer: string
  readonly model: string
  readonly tokenType: string
  readonly value: number
}

/** Sums both sides, each row with what either of them has. */
export function usageRows(recorded: readonly Usage[], billed: readonly Usage[]): UsageRow[] {
  const rows = new Map<string, { -readonly [Name in keyof UsageRow]: UsageRow[Name] }>()
  const row = ({ customer, model, tokenType }: Usage) => {
    const key = JSON.stringify([customer, model, tokenType])
    const found = rows.get(key) ?? { customer, model, tokenType, recorded: 0, billed: 0 }
    rows.set(key, found)
    return found
  }
  for (const usage of recorded) row(usage).recorded += usage.value
  for (const usage of billed) row(usage).billed += usage.value
  return [...rows.values()]
}
