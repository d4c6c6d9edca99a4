import { ConfigError } from '@token-meter/core/adapter'
import type { Pool } from 'pg'

/**
 * Where the database is: a `postgres://` URL, for connections of the outbox's own, or a pool that
 * the application has already. A pool that was given is not ended by `close()`.
 */
export type PostgresConnection =
  | { readonly connectionString: string; readonly pool?: undefined }
  | { readonly pool: Pool; readonly connectionString?: undefined }

export interface PostgresOutboxOptions {
  /** The schema that holds the tables and nothing else. @default 'token_meter' */
  readonly schema?: string
  /**
   * Makes the tables where they are missing and brings older ones up to date, before the first use.
   * Turn it off where the role may not create tables, and call `migrate(pool)` with one that may.
   * @default true
   */
  readonly migrate?: boolean
  /** Connections at a time, of the outbox's own; with `pool` that pool's `max` counts. @default 4 */
  readonly maxConnections?: number
  /**
   * ms since the epoch, for tests. Times are the database's otherwise, so that the clocks of the
   * machines do not matter.
   */
  readonly now?: () => number
}

export const defaultSchema = 'token_meter'

/** @throws ConfigError for an option that cannot be meant. */
export function checkOptions(
  { connectionString, pool }: PostgresConnection,
  { schema, maxConnections, now }: PostgresOutboxOptions,
): void {
  if ((connectionString === undefined) === (pool === undefined)) {
    throw new ConfigError(
      'postgresOutbox() needs either a connectionString, such as postgres://user@host/database, or a pool',
    )
  }
  if (connectionString !== undefined && typeof connectionString !== 'string') {
    throw new ConfigError('postgresOutbox() expected connectionString to be a string')
  }
  if (pool !== undefined && typeof pool?.connect !== 'function') {
    throw new ConfigError('postgresOutbox() expected pool to be a Pool of the package pg')
  }
  if (schema !== undefined) checkSchema(schema)
  if (
    maxConnections !== undefined &&
    !(Number.isSafeInteger(maxConnections) && maxConnections > 0)
  ) {
    throw new ConfigError(`maxConnections must be a whole number from 1 up, got ${maxConnections}`)
  }
  if (now !== undefined && typeof now !== 'function') {
    throw new ConfigError('now must be a function')
  }
}

/** @throws ConfigError for a name that Postgres would cut off or refuse. */
export function checkSchema(schema: string): void {
  const isName = typeof schema === 'string' && /^[a-z_][a-z0-9_]{0,62}$/i.test(schema)
  if (isName && !/^pg_/i.test(schema)) return
  throw new ConfigError(
    'schema must be a name of at most 63 letters, digits and underscores that does not begin with pg_',
  )
}
