import { ConfigError, OutboxError } from '../errors/errors.ts'

/**
 * Since when a copy is distrusted, by `Outbox.distrust`; never a time to come.
 * @throws ConfigError when it is no time.
 */
export function distrustedSince(sinceMs: number, nowMs: number): number {
  if (!Number.isFinite(sinceMs)) {
    throw new ConfigError(
      `distrust takes the time of the copy or backup in ms since the epoch, got ${String(sinceMs)}`,
    )
  }
  return Math.min(sinceMs, nowMs)
}

/** What is told when a store finds that it is not the one that it was. */
export function copyFound(found: {
  /** `outbox usage.db`, `outbox postgres ...` */
  readonly outbox: string
  readonly sinceMs: number
  readonly count: number
}): OutboxError {
  const { outbox, sinceMs, count } = found
  const since = new Date(sinceMs).toISOString()
  return new OutboxError(
    `The ${outbox} is a copy, or was restored from a backup, last used at ${since}: the original may ` +
      `have delivered ${count} ${count === 1 ? 'record that waits' : 'records that wait'} here. They ` +
      'are sent as usual while their backend still tells duplicates (Stripe: for 23 hours from then), ' +
      'and become dead letters after that: compare those with the backend (reconcileUsage for Stripe), ' +
      'then outbox.requeue what it does not have.',
  )
}
