import { ConfigError, type TokenMeterError } from '../errors/errors.ts'
import { memoryOutbox } from '../outbox/memory/memory-outbox.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { sqliteOutbox } from '../outbox/sqlite/sqlite-outbox.ts'
import { FallbackOutbox } from './fallback-outbox.ts'
import { installedPackage } from './installed-package.ts'
import { variable } from './runtime.ts'

const defaultPath = '.token-meter/usage.db'

export interface DefaultOutboxOptions {
  readonly report: (error: TokenMeterError) => void
  /** Nothing that the environment says or lacks is an error: usage is kept in memory meanwhile. */
  readonly tolerant: boolean
}

/**
 * The outbox that `TOKEN_METER_OUTBOX` names: a path, `memory:` or `postgres://...`. Without it
 * SQLite in `.token-meter/usage.db`, or memory for as long as that cannot be used, which is reported.
 * @throws ConfigError or OutboxError when the variable names what cannot be used, unless `tolerant`.
 */
export function defaultOutbox({ report, tolerant }: DefaultOutboxOptions): Outbox {
  const named = variable('TOKEN_METER_OUTBOX')
  if (/^memory:$/i.test(named ?? '')) return memoryOutbox()
  if (named !== undefined && !tolerant) return namedOutbox(named)
  const name = named === undefined ? defaultPath : nameOf(named)
  return new FallbackOutbox({ name, open: () => namedOutbox(named ?? defaultPath), report })
}

/** What a URL begins with; one letter is a drive of Windows. */
const scheme = /^([a-z][a-z0-9+.-]+):/i

function namedOutbox(named: string): Outbox {
  const [, kind] = scheme.exec(named) ?? []
  if (kind === undefined) return sqliteOutbox(named)
  if (/^postgres(ql)?$/i.test(kind)) return postgresOutbox(named)
  // The rest may be a password.
  throw new ConfigError(
    `TOKEN_METER_OUTBOX is of a kind that is not known (${kind}:): set it to a path, postgres://... or memory:.`,
  )
}

/** For messages: a URL has a password. */
function nameOf(named: string): string {
  const [, kind] = scheme.exec(named) ?? []
  return kind === undefined ? named : `the outbox of TOKEN_METER_OUTBOX (${kind}:...)`
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
