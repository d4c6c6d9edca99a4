/**
 * The id that an event is sent under: its own, or with `~2`, `~3`, ... behind it where the ones before
 * are used up (`outbox.correct`): the backend has them, or had them, and does not bill them, and
 * would take the event for one that it knows.
 */
export function unusedEventId(first: string, refused: readonly string[]): string {
  let id = first
  for (let turn = 2; refused.includes(id); turn++) id = `${first}~${turn}`
  return id
}
