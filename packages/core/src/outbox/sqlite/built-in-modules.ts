import { OutboxError } from '../../errors/errors.ts'
import { builtInModule as find } from '../../lib/runtime.ts'

/**
 * Node's own modules, asked for at the first use and not imported, so that a bundle of this package
 * still loads where they do not exist.
 */
export function builtInModules() {
  const sqlite = find('node:sqlite')
  if (sqlite === undefined) {
    const runtime = globalThis.process?.version
    throw new OutboxError(
      `The SQLite outbox needs Node >= 22.13, for node:sqlite${runtime ? `; this is ${runtime}` : ''}. ` +
        'Use a newer Node, or another outbox such as memoryOutbox().',
    )
  }
  return { sqlite, files: find('node:fs'), paths: find('node:path'), system: find('node:os') }
}
