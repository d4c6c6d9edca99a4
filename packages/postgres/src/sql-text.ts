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

/** Two lists of texts without repetition, in an expression; null where one of them is. */
export function joined(known: string, more: string): string {
  return `CASE WHEN ${known} IS NULL OR ${more} IS NULL THEN NULL ELSE ${known} || ARRAY(
    SELECT event FROM unnest(${more}) WITH ORDINALITY AS new (event, place)
    WHERE event <> ALL (${known}) GROUP BY event ORDER BY min(place)) END`
}

/** A list of texts from JSON, in an expression; null where it is null. */
export function textsOf(json: string): string {
  return `CASE WHEN jsonb_typeof(${json}) = 'array' THEN ARRAY(
    SELECT jsonb_array_elements_text(${json})) END`
}
