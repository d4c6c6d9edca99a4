import type { Ask } from './database.ts'
import { isPassing } from './failure.ts'
import { literal } from './sql-text.ts'

/** What tells one database from a copy of it: subqueries, each of one text. */
export interface ServerQuestions {
  /** Another cluster has another, unless its files are a copy of this one's. */
  readonly system: string
  /** It goes up when a standby, or a backup with its log, becomes a server. */
  readonly timeline: string
  /** Another where the tables were restored from a dump, or the database was copied as a template. */
  readonly place: string
}

/** Says nothing, and so does not differ. */
const unknown = 'NULL::text'

const system = 'SELECT system_identifier::text FROM pg_control_system()'
const timelines = [
  // Of this moment; the other is of the last checkpoint, which can be from before a failover.
  'SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)',
  `SELECT lpad(upper(to_hex(timeline_id)), 8, '0') FROM pg_control_checkpoint()`,
]

/**
 * Finds out what the role may ask: managed servers keep some of it to themselves. Outside of a
 * transaction, which the first refusal would end.
 * @param quoted the schema's name, quoted.
 * @param refused told what nobody answers, and why.
 */
export async function askableQuestions(
  ask: Ask,
  quoted: string,
  refused: (what: readonly string[], cause: unknown) => void,
): Promise<ServerQuestions> {
  let refusal: unknown
  const firstAnswered = async (questions: readonly string[]): Promise<string> => {
    for (const question of questions) {
      try {
        await ask(question)
        return `(${question})`
      } catch (cause) {
        const { code } = (cause ?? {}) as { code?: unknown }
        const isAnswer = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)
        if (!isAnswer || isPassing(cause)) throw cause
        refusal ??= cause
      }
    }
    return unknown
  }
  const found = {
    system: await firstAnswered([system]),
    timeline: await firstAnswered(timelines),
    place: `(SELECT concat_ws('/',
      (SELECT oid FROM pg_database WHERE datname = current_database()),
      ${literal(`${quoted}.ledger`)}::regclass::oid))`,
  }
  const missing = [
    ...(found.system === unknown ? ['pg_control_system()'] : []),
    ...(found.timeline === unknown ? ['pg_control_checkpoint()'] : []),
  ]
  if (missing.length > 0) refused(missing, refusal)
  return found
}
