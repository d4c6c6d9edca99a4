import { builtInModules } from './node-sqlite.ts'

/** Which file is open: its name can come to mean another one, or none. */
export interface FileIdentity {
  readonly path: string
  readonly inode: string | undefined
  readonly walPath: string
  /** Absent until the first write makes the write-ahead log. */
  walInode: string | undefined
}

export function identityOf(path: string): FileIdentity {
  const walPath = `${targetOf(path)}-wal`
  return { path, inode: inodeOf(path), walPath, walInode: inodeOf(walPath) }
}

/** Looks at the write-ahead log too: what is written to one that was deleted is lost with it. */
export function isStillWhole(identity: FileIdentity): boolean {
  const walInode = inodeOf(identity.walPath)
  if (identity.walInode !== undefined && walInode !== identity.walInode) return false
  identity.walInode = walInode
  return inodeOf(identity.path) === identity.inode
}

function inodeOf(path: string): string | undefined {
  const found = builtInModules().files.statSync(path, { throwIfNoEntry: false })
  return found && `${found.dev}:${found.ino}`
}

/**
 * Which file this is, as long as it lives: its inode, and when that was made, in ms, where the file
 * system says so, because the next new file often gets the inode of a deleted one. Not the device,
 * which changes when a disk is mounted again, and is another in every container.
 */
export function placeOf(path: string): string {
  const found = builtInModules().files.statSync(path, { bigint: true, throwIfNoEntry: false })
  if (found === undefined) return ''
  const bornAt = tellsBirth() ? found.birthtimeNs / 1_000_000n : 0n
  return bornAt > 0n ? `${found.ino}@${bornAt}` : `${found.ino}`
}

/** A time of birth that is missing in one of them says nothing. */
export function isSamePlace(one: string, other: string): boolean {
  const [inode, bornAt] = one.split('@')
  const [otherInode, otherBornAt] = other.split('@')
  const isBornAlike = bornAt === otherBornAt || bornAt === undefined || otherBornAt === undefined
  return inode === otherInode && isBornAlike
}

let birthIsTold: boolean | undefined

/**
 * Where Linux does not tell times of birth, they are said to be those of the last change. What has
 * none, such as /proc, shows it.
 */
function tellsBirth(): boolean {
  if (birthIsTold === undefined) {
    birthIsTold = process.platform !== 'linux' || birthOfProcess() === 0n
  }
  return birthIsTold
}

function birthOfProcess(): bigint | undefined {
  try {
    const options = { bigint: true, throwIfNoEntry: false } as const
    return builtInModules().files.statSync('/proc/self', options)?.birthtimeNs
  } catch {
    // Deno shows it with `--allow-all` only.
    return undefined
  }
}

const maxLinks = 40

/** The path at the end of symbolic links, whether or not there is a file yet. */
export function targetOf(path: string): string {
  const { files, paths } = builtInModules()
  let target = paths.resolve(path)
  for (let links = 0; links < maxLinks; links++) {
    try {
      target = paths.resolve(paths.dirname(target), files.readlinkSync(target))
    } catch {
      // Not a link.
      return target
    }
  }
  return target
}

/** How often a database has shown a sign of life, as kept in a small file beside it. */
export interface FileMark {
  /** 0 where nothing is known of the database with this id. */
  read(id: string): number
  write(id: string, beat: number): void
}

/** Digits of a count: every text is as long as the one before, so that no reader sees half of one. */
const countDigits = 15

/**
 * Who copies a backup over the database leaves its inode as it is, and the mark beside it, which is
 * ahead then. Best effort: without one, only that is not noticed.
 */
export function fileMark(path: string): FileMark {
  const { files } = builtInModules()
  const place = `${targetOf(path)}-beat`
  return {
    read(id) {
      try {
        const [ofId, count] = files.readFileSync(place, 'utf8').split(' ')
        return ofId === id ? Number(count) || 0 : 0
      } catch {
        return 0
      }
    },
    write(id, beat) {
      const text = `${id} ${String(beat).padStart(countDigits, '0')}\n`
      try {
        files.writeFileSync(place, text, { flag: 'r+' })
      } catch {
        try {
          files.writeFileSync(place, text, { mode: 0o600 })
        } catch {
          // A folder that takes no new file: the database tells what it can by itself.
        }
      }
    },
  }
}
