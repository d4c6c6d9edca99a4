import { isNextBuild } from '../../lib/runtime.ts'
import type { Sink, SinkResult } from '../sink.ts'

/**
 * True for a key, or an address, that is missing only because `next build` looks at the application:
 * the machine that builds needs no key to the bills.
 */
export function isMissingInBuild(key: unknown): boolean {
  return (key === undefined || key === '') && isNextBuild()
}

/** The sink of a build without a key, which sends nothing: what is recorded meanwhile stays pending. */
export function keylessSink(name: string): Sink {
  const reason = 'next build has no key for it; the application sends it where it runs'
  return {
    name,
    // It sends nothing: of a build that is killed, nothing is uncertain.
    reportsProgress: true,
    send: async ({ entries }, _signal, _progress) =>
      entries.map((): SinkResult => ({ status: 'retry', reason, afterMs: 60_000 })),
  }
}
