import { builtInModules } from './built-in-modules.ts'

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

const mostLinks = 40

/** The path at the end of symbolic links, whether or not there is a file yet. */
export function targetOf(path: string): string {
  const { files, paths } = builtInModules()
  let target = paths.resolve(path)
  for (let links = 0; links < mostLinks; links++) {
    try {
      target = paths.resolve(paths.dirname(target), files.readlinkSync(target))
    } catch {
      // Not a link.
      return target
    }
  }
  return target
}
