/**
 * The id that an event is sent under: its own, or with `~2`, `~3`, ... behind it where the ones
 * before were marked as refused (`outbox.correct`): OpenMeter ignores an id that it has had.
 */
export function unusedEventId(first: string, refused: readonly string[]): string {
  let id = first
  for (let turn = 2; refused.includes(id); turn++) id = `${first}~${turn}`
  return id
}
