/**
 * Text as Postgres can hold it: it takes neither a zero character nor half of a surrogate pair,
 * and one such would fail all that is written with it.
 */
export function plainText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\u{FFFD}')
}

/** The ids that name records, as a parameter; null stands for all. */
export function idList(ids: readonly string[] | undefined): readonly string[] | null {
  return ids === undefined ? null : ids.map(plainText)
}

/** A limit as Postgres takes it: whole, from `least` up, and not infinite. */
export function wholeNumber(limit: number, least = 0): number {
  return Math.min(Math.max(least, Math.floor(limit)), 2 ** 31 - 1)
}

/** A value in the text of a statement, for scripts, which cannot have parameters. */
export function literal(value: string | number | boolean | null): string {
  if (value === null) return 'NULL'
  if (typeof value !== 'string') return String(value)
  // The E form means the same whatever standard_conforming_strings is.
  const escaped = plainText(value).replaceAll('\\', '\\\\').replaceAll("'", "''")
  return ` E'${escaped}'`
}

/** A name in the text of a statement. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A list of texts and the rows of another one, without repetition, in an expression. */
export function unionOf(known: string, more: string): string {
  return `${known} || ARRAY(SELECT event FROM ${more} WITH ORDINALITY AS new (event, place)
    WHERE event <> ALL (${known}) GROUP BY event ORDER BY min(place))`
}

/** Two lists of texts without repetition, in an expression; null where one of them is. */
export function joined(known: string, more: string): string {
  return `CASE WHEN ${known} IS NULL OR ${more} IS NULL THEN NULL
    ELSE ${unionOf(known, `unnest(${more})`)} END`
}

/** A list of texts from JSON, in an expression; null where it is null. */
export function textsOf(json: string): string {
  return `CASE WHEN jsonb_typeof(${json}) = 'array' THEN ARRAY(
    SELECT jsonb_array_elements_text(${json})) END`
}

/** The events of a record that the sink refused afterwards, as JSON; null where there are none. */
export function refusedEvents(schema: string, sink: string, seq: string): string {
  return `(SELECT array_to_json(refused.ids)::text FROM ${schema}.refused_events AS refused
    WHERE refused.sink = ${sink} AND refused.seq = ${seq})`
}

/** The same as a field of an entry, absent where there are none. */
export function refusedEventIds(json: string | null): { refusedEventIds?: readonly string[] } {
  return json === null ? {} : { refusedEventIds: JSON.parse(json) as string[] }
}

/** How long a transaction may wait for its next statement, in ms. */
const idleMs = 5_000

/**
 * Begins a transaction. Each statement sees what was committed before it, whatever the database's
 * default is: claims and migrations rely on it after they have waited for a lock.
 *
 * The server ends what takes too long, or what nobody goes on with: a process that stands still, or
 * whose machine is gone, would keep its locks for hours, and one that has given up waiting would
 * leave a connection behind that waits on.
 */
export function begin(statementTimeoutMs: number): string {
  return `BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL statement_timeout = ${Math.ceil(statementTimeoutMs)};
    SET LOCAL idle_in_transaction_session_timeout = ${idleMs}`
}
