import { plainText } from './sql-text.ts'

/** What a lock is for, beside one per sink; a sink's name cannot be empty. */
const wholeLedger = ''

/**
 * Locks of one schema, held until the transaction ends. They are not locks of rows, because those
 * begin a transaction in the database's count, which the claim must do later (fresh-batch.ts).
 *
 * A claim for a sink excludes other claims for it. What changes which records there are to claim
 * excludes all claims.
 */
export class AdvisoryLocks {
  readonly #schemaKey: number

  constructor(schema: string) {
    this.#schemaKey = hash(`token-meter ${schema}`)
  }

  /** A statement that waits for a sink to be nobody else's. */
  sink(sink: string): string {
    const shared = `pg_advisory_xact_lock_shared(${this.#schemaKey}, ${hash(wholeLedger)})`
    return `SELECT ${shared}, pg_advisory_xact_lock(${this.#schemaKey}, ${hash(plainText(sink))})`
  }

  /** A statement that waits for every sink to be nobody else's. */
  everySink(): string {
    return `SELECT pg_advisory_xact_lock(${this.#schemaKey}, ${hash(wholeLedger)})`
  }
}

/** FNV-1a, as the signed 32 bits that Postgres takes. Two sinks with one hash only wait more. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193)
  return value | 0
}
