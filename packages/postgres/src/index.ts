/**
 * The usage outbox in Postgres, for metering on more than one machine. `postgres-outbox.ts` joins
 * the parts; `schema/tables.ts` explains how they fit.
 * @module
 */
export { postgresOutbox, type PostgresOutbox } from './postgres-outbox.ts'
export type { PostgresConnection, PostgresOutboxOptions } from './postgres-options.ts'
export { migrate, type MigrateOptions } from './schema/migrate.ts'
