import type { Meter } from './meter.ts'

/** Where a meter that starts by itself says how to be watched; the same in every copy of core. */
export const watchKey = Symbol.for('token-meter.watch')

/** What can be watched of a meter. */
export type WatchedMeter = Pick<Meter, 'on' | 'stats'>

/**
 * Watches a meter without starting it: `watcher` is told once there is something to watch, which is
 * at once for a meter of `createMeter`. A zero-config meter can be closed and started again, and
 * tells of each start. The answer ends that. `watcher` must not throw.
 */
export function watchMeter(
  meter: WatchedMeter,
  watcher: (meter: WatchedMeter) => void,
): () => void {
  const watch: unknown = Reflect.get(meter, watchKey)
  if (typeof watch === 'function') return watch(watcher) as () => void
  watcher(meter)
  return () => {}
}
