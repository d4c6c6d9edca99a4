import type { LedgerEntry, Outbox, SinkStats } from '@token-meter/core'

/** Where the outbox of a run is, to be handed to its processes. */
export type OutboxPlace =
  | { readonly kind: 'sqlite'; readonly path: string }
  | {
      readonly kind: 'postgres'
      readonly url: string
      /** Of the processes of the run. */
      readonly spoolFolder?: string
    }

/** Loads only the outbox it opens, as what a process loads is the time it takes to start. */
export async function openOutbox(place: OutboxPlace): Promise<Outbox> {
  if (place.kind === 'sqlite') {
    const { sqliteOutbox } = await import('@token-meter/core/sqlite')
    return sqliteOutbox(place.path)
  }
  const { postgresOutbox } = await import('@token-meter/postgres')
  const { url, spoolFolder } = place
  return postgresOutbox({ connectionString: url }, spoolFolder === undefined ? {} : { spoolFolder })
}

/** All that an outbox has to say of the sink, when nothing writes to it any more. */
export async function readOutbox(
  place: OutboxPlace,
): Promise<{ readonly ledger: readonly LedgerEntry[]; readonly stats: SinkStats }> {
  const outbox = await openOutbox(place)
  const ledger: LedgerEntry[] = []
  let after: number | undefined
  do {
    const page = await outbox.ledger('stripe', after === undefined ? {} : { after })
    ledger.push(...page.entries)
    after = page.next
  } while (after !== undefined)
  const stats = await outbox.stats('stripe')
  await outbox.close()
  return { ledger, stats }
}
