import type { Outbox } from '@token-meter/core'

/** Where the outbox of a run is, to be handed to its processes. */
export type OutboxPlace =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string }

/** Loads only the outbox it opens, as what a process loads is the time it takes to start. */
export async function openOutbox(place: OutboxPlace): Promise<Outbox> {
  if (place.kind === 'sqlite') {
    const { sqliteOutbox } = await import('@token-meter/core/sqlite')
    return sqliteOutbox(place.path)
  }
  const { postgresOutbox } = await import('@token-meter/postgres')
  return postgresOutbox({ connectionString: place.url })
}
