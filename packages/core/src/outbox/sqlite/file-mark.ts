import { builtInModules } from './built-in-modules.ts'
import { targetOf } from './file-identity.ts'

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
