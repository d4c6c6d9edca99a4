import type { LedgerEntry, LedgerQuery } from '@token-meter/core/adapter'
import type { AfterTheFact } from '../after-the-fact.ts'

/** The entries of a part of the ledger, page by page. */
export async function* ledgerEntries(
  { outbox, sink }: AfterTheFact,
  query: LedgerQuery,
): AsyncGenerator<LedgerEntry, void, undefined> {
  let after: number | undefined
  do {
    const page = await outbox.ledger(sink, after === undefined ? query : { ...query, after })
    yield* page.entries
    after = page.next
  } while (after !== undefined)
}
