import { reportsProgress } from './send-progress.ts'
import type { Sink } from './sink.ts'

const settings = [
  'maxBatch',
  'lingerMs',
  'startsAtMs',
  'renamedFrom',
  'livemode',
  'bills',
  'value',
  'perRecord',
  'maxConcurrentBatches',
] as const satisfies readonly (keyof Sink)[]

/**
 * A sink with another `send`. Not a spread: a sink can be an instance of a class, and what it says of
 * itself can change.
 */
export function withSend(sink: Sink, send: Sink['send']): Sink {
  const wrapped: Sink = { name: sink.name, send, close: () => sink.close?.() }
  for (const setting of settings) {
    Object.defineProperty(wrapped, setting, {
      enumerable: true,
      // Whoever wraps it may know better.
      configurable: true,
      get: () => sink[setting],
    })
  }
  Object.defineProperty(wrapped, 'reportsProgress', {
    enumerable: true,
    get: () => reportsProgress(sink),
  })
  return wrapped
}

/** What a sink says of itself, whatever is put in front of it. */
export function identityOf({
  startsAtMs,
  renamedFrom,
  livemode,
  bills,
  value,
}: Sink): Pick<Sink, 'startsAtMs' | 'renamedFrom' | 'livemode' | 'bills' | 'value'> {
  return {
    ...(startsAtMs !== undefined && { startsAtMs }),
    ...(renamedFrom !== undefined && { renamedFrom }),
    ...(livemode !== undefined && { livemode }),
    ...(bills !== undefined && { bills }),
    ...(value !== undefined && { value }),
  }
}
