/** The outbox in a file, apart from the main entry because it needs Node. */
export { sqliteOutbox, type SqliteOutboxOptions } from './outbox/sqlite/sqlite-outbox.ts'
