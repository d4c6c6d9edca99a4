import { OutboxError, messageOf } from '../../errors/errors.ts'
import { builtInModules } from './built-in-modules.ts'

/** What all others may do, and what the group may. */
const others = 0o007

/**
 * Sees to it that a file which decides what is billed is not everybody's: one of this user's own that
 * others can read or write (a copy, a file made under another umask) becomes its owner's only. A
 * group that was let in, and nobody else, stays. Never throws: what cannot be changed is told.
 */
export function narrowAccess(path: string, warn: (error: OutboxError) => void): void {
  const { files } = builtInModules()
  const user = globalThis.process?.getuid?.()
  // Windows has neither.
  if (user === undefined) return
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    const found = files.statSync(file, { throwIfNoEntry: false })
    if (found === undefined) continue
    if (found.uid !== user) {
      const change = 'Give the file to the user that this process runs as, or choose another path.'
      warn(doubt(file, `it belongs to another user (${found.uid})`, change))
      // One is enough: SQLite gives all three the same owner.
      return
    }
    if ((found.mode & others) === 0) continue
    try {
      files.chmodSync(file, 0o600)
    } catch (cause) {
      const change = `Take the rights of others off it (chmod 600 ${file}).`
      warn(doubt(file, `other users can use it (${messageOf(cause)})`, change))
    }
  }
}

function doubt(path: string, what: string, change: string): OutboxError {
  return new OutboxError(
    `The outbox ${path} is used although ${what}, who can change what is billed. ${change}`,
  )
}

/** The folder that is made by itself must get into no repository. Never throws. */
export function ignoreInGit(folder: string): void {
  const { files, paths } = builtInModules()
  if (paths.basename(folder) !== '.token-meter') return
  try {
    files.writeFileSync(paths.join(folder, '.gitignore'), '*\n', { flag: 'wx' })
  } catch {
    // It is there already, or this is a disk that cannot be written.
  }
}
