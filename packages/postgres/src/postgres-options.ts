import {
  ConfigError,
  hasMethod,
  checkKeys,
  isCount,
  isFunction,
  isOneOf,
  isText,
  optionCheck,
} from '@token-meter/core/outbox'
import type { Pool } from 'pg'
import pg from 'pg'

/**
 * Where the database is: a `postgres://` URL, for connections of the outbox's own, or a pool that
 * the application has already. A pool that was given is not ended by `close()`. A URL that is
 * `undefined`, as of a variable that is not set, is a ConfigError when the outbox is made.
 */
export type PostgresConnection =
  | { readonly connectionString: string | undefined; readonly pool?: undefined }
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
   * The folder for usage that the database does not have yet: what it does not take within a fifth of
   * a second, and all that comes while it is away, is in a file there (0600) before the call
   * resolves. The next process that uses the same folder and database brings it there when this one
   * is killed. It is made (0700) when it is first needed. Where it cannot be written, calls wait for
   * the database, 5 s at the most. In containers, name a folder that outlives them.
   * @default '.token-meter/spool', in the working directory
   */
  readonly spoolFolder?: string
  /**
   * ms since the epoch, for tests. Times are the database's otherwise, so that the clocks of the
   * machines do not matter.
   */
  readonly now?: () => number
}

export const defaultSchema = 'token_meter'

const knownConnection = { connectionString: true, pool: true } as const
const known: Readonly<Record<keyof PostgresOutboxOptions, true>> = {
  schema: true,
  migrate: true,
  maxConnections: true,
  spoolFolder: true,
  now: true,
}
const check = optionCheck('postgresOutbox')

/** What a URL begins with; pg takes any, as if it were Postgres's. */
const scheme = /^([a-z][a-z0-9+.-]+):/i
const ownSchemes: readonly string[] = ['postgres', 'postgresql', 'socket']

const isString = (value: unknown) => typeof value === 'string'

/** @throws ConfigError for an option that cannot be meant. */
export function checkOptions(connection: PostgresConnection, options: PostgresOutboxOptions): void {
  checkKeys<PostgresConnection>('postgresOutbox', connection, knownConnection)
  checkKeys<PostgresOutboxOptions>('postgresOutbox', options, known)
  const { connectionString, pool } = connection
  const { schema, migrate = true, maxConnections = 1, spoolFolder = 'any', now } = options
  if ((connectionString === undefined) === (pool === undefined)) {
    throw new ConfigError(
      'postgresOutbox() needs either a connectionString, such as postgres://user@host/database, or a pool',
    )
  }
  check('connectionString', connectionString ?? '', 'a string', isString)
  if (pool !== undefined) check('pool', pool, 'a Pool of the package pg', hasMethod('connect'))
  if (schema !== undefined) checkSchema(schema)
  const [, name = 'postgres'] = scheme.exec(connectionString ?? '') ?? []
  if (!ownSchemes.includes(name.toLowerCase())) {
    throw new ConfigError(
      'postgresOutbox() expected a connectionString such as postgres://user@host/database, got one of ' +
        `another kind (${name}:)`,
    )
  }
  check('migrate', migrate, 'true or false', isOneOf(true, false))
  check('maxConnections', maxConnections, 'a whole number from 1 up', isCount)
  check('spoolFolder', spoolFolder, 'the path of a folder', isText)
  check('now', now ?? isFunction, 'a function', isFunction)
}

/** @throws ConfigError for a name that Postgres would cut off or refuse. */
export function checkSchema(schema: string): void {
  const isName = typeof schema === 'string' && /^[a-z_][a-z0-9_]{0,62}$/i.test(schema)
  if (isName && !/^pg_/i.test(schema)) return
  throw new ConfigError(
    'schema must be a name of at most 63 letters, digits and underscores that does not begin with pg_',
  )
}

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
