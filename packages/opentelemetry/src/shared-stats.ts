import { valueBefore, type WatchedMeter } from '@token-meter/core/adapter'

type Stats = Awaited<ReturnType<WatchedMeter['stats']>>

/**
 * A meter's stats for collections that must not wait for long: nothing where the outbox fails, or
 * takes more than `timeoutMs`. An outbox that hangs is asked once, however many collections come.
 */
export function sharedStats(meter: WatchedMeter, timeoutMs: number): () => Promise<Stats | void> {
  let asked: Promise<Stats | void> | undefined
  return async () => {
    asked ??= Promise.resolve(meter)
      .then((meter) => meter.stats())
      .catch(() => {})
      .finally(() => (asked = undefined))
    const stats = asked
    // Waiting for it must not hold the process.
    const inTime = { keepsAlive: false }
    return (await valueBefore(performance.now() + timeoutMs, () => stats, inTime))?.value
  }
}
