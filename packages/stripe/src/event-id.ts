/**
 * The id that an event is sent under: its own, `<record id>:<token type>`, or with `~2`, `~3`, ...
 * behind it where Stripe refused the ones before after it had accepted them. It may know those, or
 * at least their idempotency keys, for ever, and would take the event for one that it has.
 */
export function unusedEventId(first: string, refused: readonly string[]): string {
  let id = first
  for (let turn = 2; refused.includes(id); turn++) id = `${first}~${turn}`
  return id
}

/** The record that an event is of; `undefined` for an id that is none of ours. */
export function recordIdOf(eventId: string): string | undefined {
  return /^(.+):(?:input|output|cached_input|cached_write)(?:~\d+)?$/s.exec(eventId)?.[1]
}
