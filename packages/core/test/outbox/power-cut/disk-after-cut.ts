/** What a disk has of the files that a process wrote: only what was synced is certain. */
interface DiskFile {
  content: Buffer
  /** Writes and truncations that were not synced, in order. */
  pending: Change[]
}

type Change = { readonly offset: number; readonly data: Buffer } | { readonly size: number }

export interface JournalEntry {
  readonly kind: string
  readonly number: number
  readonly path: string
  readonly data: Buffer
}

/** Reads what `journal-writes.c` has written. */
export function* readJournal(journal: Buffer): Generator<JournalEntry> {
  for (let at = 0; at < journal.length;) {
    const lineEnd = journal.indexOf('\n', at)
    const [kind = '', number, length, ...path] = journal.toString('utf8', at, lineEnd).split(' ')
    const dataEnd = lineEnd + 1 + Number(length)
    const data = journal.subarray(lineEnd + 1, dataEnd)
    yield { kind, number: Number(number), path: path.join(' '), data }
    at = dataEnd
  }
}

/** The unit in which a disk writes, all or nothing. */
const sectorSize = 512

/** A disk that follows a journal, and says what it could have after a power cut now. */
export class Disk {
  /** What the process sees. */
  #files = new Map<string, DiskFile>()
  /** What has its name in the folder for certain. */
  #named = new Map<string, DiskFile>()

  apply({ kind, number, path, data }: JournalEntry): void {
    const file = this.#files.get(path)
    if (kind === 'C') this.#files.set(path, { content: Buffer.alloc(0), pending: [] })
    else if (kind === 'W') file?.pending.push({ offset: number, data })
    else if (kind === 'T') file?.pending.push({ size: number })
    else if (kind === 'U') this.#files.delete(path)
    else if (kind === 'S') this.#sync(path, file)
    else throw new Error(`the disk does not know ${kind} of ${path}`)
  }

  /** Only what was synced. */
  certain(): Map<string, Buffer> {
    return new Map([...this.#named].map(([path, { content }]) => [path, content]))
  }

  /** What was synced, and as it happens some of what was not. */
  possible(random: () => number): Map<string, Buffer> {
    const names = new Map(random() < 0.5 ? this.#named : this.#files)
    for (const [path, file] of this.#files) if (random() < 0.5) names.set(path, file)
    return new Map([...names].map(([path, file]) => [path, survivor(file, random)]))
  }

  #sync(path: string, file: DiskFile | undefined): void {
    if (file !== undefined) {
      file.content = changed(file.content, file.pending)
      file.pending = []
      return
    }
    const isInside = (name: string) => name.slice(0, name.lastIndexOf('/')) === path
    for (const name of this.#named.keys()) if (isInside(name)) this.#named.delete(name)
    for (const [name, one] of this.#files) if (isInside(name)) this.#named.set(name, one)
  }
}

/** Each sector that was written and not synced is there or not; so is each truncation. */
function survivor({ content, pending }: DiskFile, random: () => number): Buffer {
  const share = random()
  const some = pending.flatMap((change): Change[] => {
    if (!('data' in change)) return random() < share ? [change] : []
    return sectorsOf(change).filter(() => random() < share)
  })
  return changed(content, some)
}

function sectorsOf({ offset, data }: { offset: number; data: Buffer }): Change[] {
  const sectors: Change[] = []
  for (let at = 0; at < data.length;) {
    const end = Math.min(data.length, at + sectorSize - ((offset + at) % sectorSize))
    sectors.push({ offset: offset + at, data: data.subarray(at, end) })
    at = end
  }
  return sectors
}

function changed(content: Buffer, changes: readonly Change[]): Buffer {
  let most = content.length
  for (const one of changes) {
    most = Math.max(most, 'data' in one ? one.offset + one.data.length : one.size)
  }
  const result = Buffer.alloc(most)
  content.copy(result)
  let { length } = content
  for (const change of changes) {
    if ('data' in change) {
      change.data.copy(result, change.offset)
      length = Math.max(length, change.offset + change.data.length)
    } else {
      result.fill(0, change.size, length)
      length = change.size
    }
  }
  return result.subarray(0, length)
}
