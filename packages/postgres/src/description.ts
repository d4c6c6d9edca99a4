import { ConfigError } from '@token-meter/core/adapter'
import pg from 'pg'

/**
 * What a password with `/`, `?` or `#` in it makes of a URL: the user and the begin of the password
 * are its host and port, and the rest is elsewhere, before the `@`. The value of a parameter may
 * have one.
 */
const cutPassword = /^[a-z]+:\/\/[^/?#@]*(?:\/[^?#]*@|\?[^=]*@|[^#]*#.*@)/i

/**
 * Where the database is, without the password.
 * @throws ConfigError for a connection string that cannot be read.
 */
export function describe(
  options: pg.PoolConfig | { connectionString: string },
  schema: string,
): string {
  const { user, host, port, database } = clientOf(options)
  return `postgres ${user ?? ''}@${host}:${port}/${database ?? ''} (schema ${schema})`
}

function clientOf(options: pg.PoolConfig): pg.Client {
  try {
    const { connectionString } = options
    if (connectionString !== undefined && cutPassword.test(connectionString)) throw new Error()
    return new pg.Client(options)
  } catch {
    // The error of the parser may quote the string, with the password in it.
    throw new ConfigError(
      'the connection string of the Postgres outbox cannot be read: expected ' +
        'postgres://user:password@host:port/database, with special characters percent-encoded',
    )
  }
}
