import { type PostgresServer, startPostgres } from '../../../postgres/test/postgres-server.ts'

/** A Postgres of its own for a run. @throws where npm has none for this platform. */
export function startCrashPostgres(): Promise<PostgresServer> {
  return startPostgres()
}
