import type { RecordRow } from './append.ts'

/** How soon after an append the file is looked at, in ms, where nothing else does. */
const lookWithinMs = 100

/**
 * What was written since the last look at the file. Appends are too quick to look each time, so
 * where the file turns out to be another, these rows are written again, to the one that is there.
 */
export class RecentRows {
  readonly #look: () => unknown
  #rows: RecordRow[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param look finds out whether the file is the same, and then tells this. */
  constructor(look: () => unknown) {
    this.#look = look
  }

  add(rows: readonly RecordRow[]): void {
    for (const row of rows) this.#rows.push(row)
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#rows.length > 0) this.#lookQuietly()
    }, lookWithinMs)
    this.#timer.unref()
  }

  /** They are in the file. */
  forget(): void {
    if (this.#rows.length > 0) this.#rows = []
  }

  /** Into a file that was opened; rows that it has are left out. */
  writeTo<File extends { write(rows: readonly RecordRow[]): unknown }>(file: File): File {
    file.write(this.#rows)
    this.forget()
    return file
  }

  /** Looks for the last time. */
  close(): void {
    clearTimeout(this.#timer)
    if (this.#rows.length > 0) this.#lookQuietly()
  }

  #lookQuietly(): void {
    try {
      this.#look()
    } catch {
      // They stay here until a file can be opened; whoever needs one meanwhile is told.
    }
  }
}
