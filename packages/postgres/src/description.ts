import { ConfigError } from '@token-meter/core/outbox'
import pg from 'pg'

/**
 * What a password with `/`, `?` or `#` in it makes of a URL: the user and the begin of the password
 * are its host and port, and the rest is elsewhere, before the `@`. The value of a parameter may
 * have one.
 */
const cutPassword = /^[a-z]+:\/\/[^/?#@]*(?:\/[^?#]*@|\?[^=]*@|[^#]*#.*@)/i

/** Where the database is, without the password. */
export interface DatabasePlace {
  readonly user: string | undefined
  readonly host: string
  readonly port: number
  readonly database: string | undefined
}

/** @throws ConfigError for a connection string that cannot be read. */
export function placeOf(options: pg.PoolConfig | { connectionString: string }): DatabasePlace {
  const { user, host, port, database } = clientOf(options)
  return { user, host, port, database }
}

export function describe({ user, host, port, database }: DatabasePlace, schema: string): string {
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
