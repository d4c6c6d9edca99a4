import { isProcessGone, type ProcessName, thisProcess } from '@token-meter/core/outbox'

/** The name of a file says whose records are in it, and which process may write and drain it. */
export interface SpoolName {
  readonly text: string
  readonly identity: string
  readonly machine: string
  /** 0: nobody's any more. */
  readonly pid: number
  readonly start: string
}

/** How long a file stays as it is before a process that cannot be looked up counts as gone, in ms. */
const silentMs = 30_000

/**
 * How old a file may be that is drained without asking, in ms. The database leaves out what it has,
 * and may have delivered and pruned what is older: meters do so after 35 days.
 */
const oldestMs = 30 * 24 * 60 * 60_000

const shape = /^([0-9a-f]{16})-([0-9a-f]{12})-(\d+)-(\d*)-[0-9a-f]{8}\.jsonl$/

/**
 * The folder in which the processes of a disk keep what their database does not have yet. One process
 * writes a file, and nobody else touches it while that process is there. One that is gone, or has let
 * go of it, loses it to whoever renames it first: a rename succeeds once.
 *
 * Whether a process of another machine or container is there only shows by the time of the file,
 * which it renews. One that stood still meanwhile looks for its file after each write (spool-file.ts).
 */
export class SpoolFolder {
  readonly path: string
  readonly #identity: string
  readonly #own: ProcessName

  /** @param identity of the database and schema, see `spoolIdentity`. */
  constructor(path: string, identity: string) {
    this.path = builtIn().paths.resolve(path)
    this.#identity = identity
    const { machine, pid, start } = thisProcess()
    this.#own = { machine: hash(machine).slice(0, 12), pid, start }
  }

  pathOf({ text }: Pick<SpoolName, 'text'>): string {
    return builtIn().paths.join(this.path, text)
  }

  /** A name for a new file, or for one that is taken over. */
  newName(owner: 'this process' | 'nobody' = 'this process'): SpoolName {
    const { machine, pid, start } =
      owner === 'nobody' ? { ...this.#own, pid: 0, start: '' } : this.#own
    const identity = this.#identity
    const text = `${identity}-${machine}-${pid}-${start}-${crypto.randomUUID().slice(0, 8)}.jsonl`
    return { text, identity, machine, pid, start }
  }

  /** Makes the folder where it is missing. @throws what the file system says. */
  make(): void {
    const { files, paths } = builtIn()
    if (files.mkdirSync(this.path, { recursive: true, mode: 0o700 }) === undefined) return
    // What customers used is nothing for a repository.
    files.writeFileSync(paths.join(this.path, '.gitignore'), '*\n', { mode: 0o600 })
  }

  /** The files of this database and of this user, of any process; none where there is no folder. */
  files(): readonly SpoolName[] {
    return this.#all().filter((name) => !this.#isStrange(name))
  }

  /** Those of them whose process is gone. */
  abandoned(): readonly SpoolName[] {
    return this.files().filter((name) => this.#isGone(name))
  }

  /** Files of other databases or users, or too old ones, that nobody has drained for so long, in ms. */
  strangers(sinceMs: number): readonly SpoolName[] {
    return this.#all().filter(
      (name) => this.#isStrange(name) && this.#isGone(name) && this.#ageOf(name) > sinceMs,
    )
  }

  /** Makes a file this process's own; false where another was faster. */
  take(name: SpoolName): SpoolName | undefined {
    return this.#rename(name, this.newName())
  }

  /** Lets go of a file of this process, for any other to take. */
  release(name: SpoolName): void {
    this.#rename(name, this.newName('nobody'))
  }

  #rename(name: SpoolName, to: SpoolName): SpoolName | undefined {
    try {
      builtIn().files.renameSync(this.pathOf(name), this.pathOf(to))
      return to
    } catch {
      return undefined
    }
  }

  #all(): readonly SpoolName[] {
    let entries: readonly string[]
    try {
      entries = builtIn().files.readdirSync(this.path)
    } catch {
      return []
    }
    return entries.flatMap((text) => {
      const [, identity = '', machine = '', pid = '', start = ''] = shape.exec(text) ?? []
      return identity === '' ? [] : { text, identity, machine, pid: Number(pid), start }
    })
  }

  #isGone(name: SpoolName): boolean {
    if (name.pid === 0) return true
    if (name.machine !== this.#own.machine) return this.#ageOf(name) > silentMs
    return isProcessGone({ ...name, machine: thisProcess().machine }) === true
  }

  #isStrange(name: SpoolName): boolean {
    return name.identity !== this.#identity || !this.#isOwn(name) || this.#ageOf(name) > oldestMs
  }

  /** Somebody else may have laid it there, for usage that never was. */
  #isOwn(name: SpoolName): boolean {
    const user = process.geteuid?.()
    const found = this.#statOf(name)
    return found?.isFile() === true && (user === undefined || found.uid === user)
  }

  /** 0 for one that is not there any more. */
  #ageOf(name: SpoolName): number {
    const found = this.#statOf(name)
    return found === undefined ? 0 : Date.now() - found.mtimeMs
  }

  #statOf(name: SpoolName) {
    try {
      return builtIn().files.lstatSync(this.pathOf(name), { throwIfNoEntry: false })
    } catch {
      // A folder that may be listed and not be entered.
      return undefined
    }
  }
}

/**
 * Whose records a file holds, without a secret. The user is not part of it: where passwords rotate,
 * so do users, and what one has left behind the next has to find.
 */
export function spoolIdentity(
  host: string,
  port: number,
  database: string,
  schema: string,
): string {
  return hash(JSON.stringify([host.toLowerCase(), port, database, schema])).slice(0, 16)
}

function hash(text: string): string {
  return builtIn().crypto.createHash('sha256').update(text).digest('hex')
}

/** Node's own modules, asked for at the first use: the package also loads where there are no files. */
export function builtIn() {
  const find = process.getBuiltinModule
  return { files: find('node:fs'), paths: find('node:path'), crypto: find('node:crypto') }
}
