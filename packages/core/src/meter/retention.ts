import { isRequestBound } from '../environment/runtime.ts'
import { OutboxError, type TokenMeterError } from '../errors/errors.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { defaultRetentionMs } from './options.ts'

const everyMs = 60 * 60 * 1000
/** The first time, in ms at the most: many processes do not live for an hour. */
const firstWithinMs = 60 * 1000

/**
 * Deletes what is settled and older than the retention, hourly, and at a random moment of the first
 * minute, so that short-lived processes do it now and then; never where nothing runs in the
 * background.
 * @returns how to stop it.
 */
export function pruneRegularly(
  outbox: Outbox,
  retentionMs = defaultRetentionMs,
  onError: (error: TokenMeterError) => void,
): () => void {
  if (isRequestBound()) return () => {}
  const prune = async (): Promise<void> => {
    try {
      await outbox.prune(Date.now() - retentionMs)
    } catch (cause) {
      onError(
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
