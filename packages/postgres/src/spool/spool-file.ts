import { lineOf, type RecordRow, rowOf } from '../append/append.ts'
import { type SpoolFolder, type SpoolName, builtIn } from './spool-folder.ts'

/** How much is read at a time, in bytes; a longer line is read whole. */
const chunkBytes = 1024 * 1024
/** Rows of one chunk, which is one statement. */
const maxRows = 500

/** What was read of a file. */
export interface SpoolChunk {
  readonly rows: readonly RecordRow[]
  /** Lines that are no records: what a machine that lost its power can leave behind. */
  readonly unreadable: number
  /** Where the next chunk begins. */
  readonly end: number
}

/**
 * A file of records, each the JSON that the database is to have, in a line of its own. A line that
 * is not whole counts for nothing: its process died while it wrote it, and the call had not resolved.
 */
export class SpoolFile {
  readonly name: SpoolName
  /** Records that this process wrote to it and that are not drained. */
  waiting = 0
  readonly #folder: SpoolFolder
  readonly #descriptor: number
  /** Where the next line goes. */
  #size: number
  #drained = 0
  #unreadable = 0

  private constructor(folder: SpoolFolder, name: SpoolName, descriptor: number, size: number) {
    this.#folder = folder
    this.name = name
    this.#descriptor = descriptor
    this.#size = size
  }

  /** @throws what the file system says. */
  static create(folder: SpoolFolder): SpoolFile {
    folder.make()
    const name = folder.newName()
    // Exclusive, so that what somebody else has laid there is never written to.
    const descriptor = builtIn().files.openSync(folder.pathOf(name), 'ax+', 0o600)
    return new SpoolFile(folder, name, descriptor, 0)
  }

  /** Takes one over that is nobody's any more; nothing where another process was faster. */
  static take(folder: SpoolFolder, abandoned: SpoolName): SpoolFile | undefined {
    const { files } = builtIn()
    // Opened first: one that is taken and cannot be read would be drained by nobody.
    const descriptor = openIfThere(folder.pathOf(abandoned))
    if (descriptor === undefined) return undefined
    const name = folder.take(abandoned)
    if (name === undefined) {
      files.closeSync(descriptor)
      return undefined
    }
    const file = new SpoolFile(folder, name, descriptor, files.fstatSync(descriptor).size)
    file.renew()
    return file
  }

  get path(): string {
    return this.#folder.pathOf(this.name)
  }

  get isDrained(): boolean {
    return this.#drained >= this.#size
  }

  /**
   * Writes whole lines. False: another process has taken the file over, and may have read it already,
   * so that they must go to another one.
   * @throws what the file system says; nothing of them counts then.
   */
  write(rows: readonly RecordRow[]): boolean {
    const { files } = builtIn()
    const bytes = Buffer.from(rows.map((row) => `${lineOf(row)}\n`).join(''))
    try {
      for (let from = 0; from < bytes.length;) {
        from += files.writeSync(this.#descriptor, bytes, from)
      }
    } catch (cause) {
      files.ftruncateSync(this.#descriptor, this.#size)
      throw cause
    }
    if (files.statSync(this.path, { throwIfNoEntry: false }) === undefined) return false
    this.#size += bytes.length
    this.waiting += rows.length
    return true
  }

  /** The next of what was written; nothing where all was drained. */
  async next(): Promise<SpoolChunk | undefined> {
    return this.isDrained ? undefined : await chunkAt(this.#descriptor, this.#drained, this.#size)
  }

  /** Goes on behind a chunk that the database has. */
  pass({ rows, unreadable, end }: SpoolChunk): void {
    this.#drained = end
    this.#unreadable += unreadable
    this.waiting = Math.max(0, this.waiting - rows.length)
  }

  /** Shows processes of other machines that this one is there. */
  renew(): void {
    try {
      const now = new Date()
      builtIn().files.futimesSync(this.#descriptor, now, now)
    } catch {
      // It is taken over then, at the worst, which the next write notices.
    }
  }

  /**
   * Nothing of it waits any more. One with lines that are no records is left for somebody to look
   * at: returns its path then.
   */
  remove(): string | undefined {
    const { files } = builtIn()
    files.closeSync(this.#descriptor)
    const damaged = this.#unreadable > 0 ? `${this.path}.damaged` : undefined
    try {
      if (damaged === undefined) files.unlinkSync(this.path)
      else files.renameSync(this.path, damaged)
    } catch {
      // Taken over: who has it finds all of it in the database.
    }
    return damaged
  }

  /** Lets go of what is left, for any process to take. */
  release(): void {
    builtIn().files.closeSync(this.#descriptor)
    this.#folder.release(this.name)
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return builtIn().files.openSync(path, 'r')
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'ENOENT') return undefined
    throw cause
  }
}

/** All records in a file of any process, as it is now. @throws what the file system says. */
export async function* rowsOf(path: string): AsyncGenerator<RecordRow> {
  const { files } = builtIn()
  const descriptor = files.openSync(path, 'r')
  try {
    const { size } = files.fstatSync(descriptor)
    for (let at = 0; at < size;) {
      const { rows, end } = await chunkAt(descriptor, at, size)
      yield* rows
      at = end
    }
  } finally {
    files.closeSync(descriptor)
  }
}

/** The lines from a place on, one at least, up to the size of the file. */
async function chunkAt(descriptor: number, begin: number, size: number): Promise<SpoolChunk> {
  for (let length = chunkBytes; ; length *= 2) {
    const bytes = await read(descriptor, begin, Math.min(length, size - begin))
    const isRest = length >= size - begin
    const rows: RecordRow[] = []
    let unreadable = 0
    let from = 0
    while (rows.length < maxRows) {
      const newline = bytes.indexOf('\n', from)
      if (newline < 0) break
      const row = rowOf(bytes.toString('utf8', from, newline))
      if (row === undefined) unreadable++
      else rows.push(row)
      from = newline + 1
    }
    // Without a line's end there is nothing more, or the rest of a line that was cut off.
    if (from > 0) return { rows, unreadable, end: begin + from }
    if (isRest) return { rows, unreadable, end: size }
  }
}

function read(descriptor: number, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  return new Promise((resolve, reject) => {
    builtIn().files.read(descriptor, buffer, 0, length, position, (error, count) =>
      error === null ? resolve(buffer.subarray(0, count)) : reject(error),
    )
  })
}
