/**
 * The id that an event is sent under: its own, or with `~2`, `~3`, ... behind it where somebody
 * found out that Lago has the ones before and does not bill them (`outbox.correct`).
 */
export function unusedEventId(first: string, refused: readonly string[]): string {
  let id = first
  for (let turn = 2; refused.includes(id); turn++) id = `${first}~${turn}`
  return id
}
