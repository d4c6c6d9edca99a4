import { sqliteOutbox } from '../../src/sqlite.ts'

/** An outbox's file with nothing in it, and nobody using it. */
export function makeFile(path: string): void {
  const outbox = sqliteOutbox(path)
  void outbox.append([])
  void outbox.close()
}
