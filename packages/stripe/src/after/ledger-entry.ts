import type { LedgerEntry, Outbox } from '@token-meter/core/adapter'

/** Where one record stands; `undefined` for one that the ledger does not have, or not any more. */
export async function ledgerEntry(
  outbox: Outbox,
  sink: string,
  recordId: string,
): Promise<LedgerEntry | undefined> {
  const record = await outbox.find(recordId)
  if (record === undefined) return undefined
  const moment = { fromMs: record.at, untilMs: record.at + 1 }
  let after: number | undefined
  do {
    const query = after === undefined ? moment : { ...moment, after }
    const { entries, next } = await outbox.ledger(sink, query)
    const entry = entries.find(({ record }) => record.id === recordId)
    if (entry !== undefined) return entry
    after = next
  } while (after !== undefined)
  return undefined
}
