import { distrustedSince } from '../distrust.ts'
import type { Operations } from './operations.ts'

/** The sinks that came to claim before there was a file: it will know them from its beginning. */
export class EarlySinks {
  readonly names = new Set<string>()

  /** Into a file that was opened. */
  writeTo<File extends Pick<Operations, 'meet'>>(file: File): File {
    for (const name of this.names) file.meet(name)
    this.names.clear()
    return file
  }
}

/**
 * What is answered of a file that nothing was ever written to, without making one; `undefined` for
 * what makes it.
 */
export function unmadeFile({ names }: EarlySinks): {
  readonly [Name in keyof Operations]: Operations[Name] | undefined
} {
  const noEntries = { entries: [] }
  const nothing = {
    recorded: 0,
    pending: 0,
    delivered: 0,
    dead: 0,
    unattributed: 0,
    discarded: 0,
  }
  return {
    write: undefined,
    introduce: undefined,
    meet: (sink) => void names.add(sink),
    beat: () => {},
    distrust(sinceMs = 0) {
      distrustedSince(sinceMs, sinceMs)
      return 0
    },
    claim: (sink) => void names.add(sink),
    mark: () => false,
    settle: () => false,
    position: () => 0,
    isSettled: () => true,
    nextDueAt: () => undefined,
    expedite: () => {},
    stats: () => nothing,
    recorded: () => 0,
    deadLetters: () => [],
    requeue: () => 0,
    discard: () => 0,
    unattributed: () => [],
    attribute: () => 0,
    find: () => undefined,
    ledger: async () => noEntries,
    correct: () => 0,
    knownSinks: () => [...names].toSorted(),
    forget: (sink) => names.delete(sink),
    prune: async () => 0,
  }
}
