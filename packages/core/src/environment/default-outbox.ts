import { ConfigError } from '../errors/config-error.ts'
import { OutboxError } from '../errors/outbox-error.ts'
import type { TokenMeterError } from '../errors/token-meter-error.ts'
import { memoryOutbox } from '../outbox/memory-outbox.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { sqliteOutbox } from '../outbox/sqlite/sqlite-outbox.ts'
import { installedPackage } from './installed-package.ts'
import { variable } from './variable.ts'

const defaultPath = '.token-meter/usage.db'

/**
 * The outbox that `TOKEN_METER_OUTBOX` names: a path, `memory:` or `postgres://...`. Without it
 * SQLite in `.token-meter/usage.db`, or memory where that cannot be written, which is reported.
 * @throws ConfigError or OutboxError when the variable names what cannot be used.
 */
export function defaultOutbox(onFault: (error: TokenMeterError) => void): Outbox {
  const named = variable('TOKEN_METER_OUTBOX')
  if (named === 'memory:') return memoryOutbox()
  if (named !== undefined && /^postgres(ql)?:/i.test(named)) return postgresOutbox(named)
  if (named !== undefined) return sqliteOutbox(named)
  try {
    return sqliteOutbox(defaultPath)
  } catch (cause) {
    onFault(
      new OutboxError(
        `usage is kept in memory and is lost with the process, because ${defaultPath} cannot be used ` +
          `(${cause instanceof Error ? cause.message : 'unknown'}); set TOKEN_METER_OUTBOX to a writable path`,
        { cause },
      ),
    )
    return memoryOutbox()
  }
}

function postgresOutbox(url: string): Outbox {
  const { postgresOutbox: open } = installedPackage<{
    postgresOutbox(options: { connectionString: string }): Outbox
  }>('@token-meter/postgres', 'TOKEN_METER_OUTBOX names a Postgres database')
  if (typeof open !== 'function') {
    throw new ConfigError('@token-meter/postgres has no postgresOutbox: install a matching version')
  }
  return open({ connectionString: url })
}
