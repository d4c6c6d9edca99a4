import { isRequestBound } from './environment/request-bound.ts'
import { ConfigError } from './errors/config-error.ts'
import { OutboxError } from './errors/outbox-error.ts'
import type { TokenMeterError } from './errors/token-meter-error.ts'
import type { Outbox } from './outbox/outbox.ts'

const day = 24 * 60 * 60 * 1000
/** As long as Stripe takes late meter events. */
const defaultRetentionMs = 35 * day
const everyMs = 60 * 60 * 1000

/**
 * Refuses what is no time.
 * @throws ConfigError
 */
export function checkRetention(retentionMs = defaultRetentionMs): void {
  if (!(retentionMs >= 0)) {
    throw new ConfigError(
      `retentionMs must be a number of ms from 0 up, got ${String(retentionMs)}`,
    )
  }
}

/**
 * Deletes what is settled and older than the retention, hourly; never where nothing runs for an
 * hour. Answers how to stop it.
 */
export function pruneRegularly(
  outbox: Outbox,
  retentionMs = defaultRetentionMs,
  onFault: (error: TokenMeterError) => void,
): () => void {
  if (isRequestBound()) return () => {}
  const timer = setInterval(async () => {
    try {
      await outbox.prune(Date.now() - retentionMs)
    } catch (cause) {
      onFault(
        new OutboxError(`old records could not be pruned from ${outbox.description}`, { cause }),
      )
    }
  }, everyMs)
  ;(timer as { unref?: () => void }).unref?.()
  return () => clearInterval(timer)
}
