import { isRequestBound } from '../environment/request-bound.ts'
import { isDuration, optionCheck } from '../errors/option-check.ts'
import { OutboxError, type TokenMeterError } from '../errors/errors.ts'
import type { Outbox } from '../outbox/outbox.ts'

const day = 24 * 60 * 60 * 1000
/** As long as Stripe takes late meter events. */
const defaultRetentionMs = 35 * day
const everyMs = 60 * 60 * 1000
/** The first time, in ms at the most: many processes do not live for an hour. */
const firstWithinMs = 60 * 1000

/**
 * Refuses what is no time.
 * @throws ConfigError
 */
export function checkRetention(retentionMs = defaultRetentionMs): void {
  optionCheck('createMeter')('retentionMs', retentionMs, 'a number of ms from 0 up', isDuration)
}

/**
 * Deletes what is settled and older than the retention, hourly, and at a random moment of the first
 * minute, so that short-lived processes do it now and then; never where nothing runs in the
 * background. Answers how to stop it.
 */
export function pruneRegularly(
  outbox: Outbox,
  retentionMs = defaultRetentionMs,
  onFault: (error: TokenMeterError) => void,
): () => void {
  if (isRequestBound()) return () => {}
  const prune = async (): Promise<void> => {
    try {
      await outbox.prune(Date.now() - retentionMs)
    } catch (cause) {
      onFault(
        new OutboxError(`old records could not be pruned from ${outbox.description}`, { cause }),
      )
    }
  }
  const first = setTimeout(prune, Math.random() * firstWithinMs)
  const others = setInterval(prune, everyMs)
  for (const timer of [first, others]) (timer as { unref?: () => void }).unref?.()
  return () => {
    clearTimeout(first)
    clearInterval(others)
  }
}
