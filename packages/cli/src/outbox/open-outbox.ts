/** The outbox that a command works on. */
import { accessSync, constants, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { memoryOutbox, type Outbox } from '@token-meter/core'
import { CommandError } from '../command/command-error.ts'

export const defaultOutboxPath = '.token-meter/usage.db'

/** What a URL begins with; one letter is a drive of Windows. */
const scheme = /^([a-z][a-z0-9+.-]+):/i

/**
 * @param named a path, `postgres://...` or `memory:`.
 * @throws CommandError for what is none of these; what the outbox throws that cannot be used.
 */
export async function openOutbox(named: string): Promise<Outbox> {
  const [, kind] = scheme.exec(named) ?? []
  if (kind === undefined) {
    checkFolder(named)
    const { sqliteOutbox } = await import('@token-meter/core/sqlite')
    return sqliteOutbox(named)
  }
  if (/^memory$/i.test(kind)) return memoryOutbox()
  if (/^postgres(ql)?$/i.test(kind)) {
    const { postgresOutbox } = await import('@token-meter/postgres')
    return postgresOutbox({ connectionString: named })
  }
  // The rest may be a password.
  throw new CommandError('config', `an outbox of this kind is not known (${kind}:)`, {
    hint: 'Name a path, postgres://user:password@host/database, or memory:',
  })
}

/** The file itself is made at the first write: too late to say that it cannot be. */
function checkFolder(path: string): void {
  const folder = dirname(path)
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new CommandError('outbox', `the folder of ${path} cannot be written (${code})`, {
      cause,
      hint: 'Name another file with --outbox',
    })
  }
}

/** Which one: by the command line, the configuration, the environment, or the usual one. */
export function outboxName(...named: readonly (string | undefined)[]): string {
  return [...named, process.env['TOKEN_METER_OUTBOX']?.trim()].find(Boolean) ?? defaultOutboxPath
}
