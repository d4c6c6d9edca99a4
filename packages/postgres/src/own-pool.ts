import pg, { type Pool, type PoolConfig } from 'pg'

/** How long a connection may take to be made, in ms. */
const connectTimeoutMs = 5_000

/** Connections of the outbox's own. None is made before it is used, and none holds the process. */
export function ownPool(config: PoolConfig): Pool {
  const pool = new pg.Pool({
    ...config,
    allowExitOnIdle: true,
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: 'token-meter',
  })
  // The server may end a connection that waits here; the next use makes another.
  pool.on('error', () => {})
  return pool
}
