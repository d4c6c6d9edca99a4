import type { ValueOption } from './stripe-sink-options.ts'

/**
 * The id that an event is sent under: its own, `<record id>:<token type>` or `<record id>:cost`, or with `~2`, `~3`, ...
 * behind it where Stripe refused the ones before after it had accepted them. It may know those, or
 * at least their idempotency keys, for ever, and would take the event for one that it has.
 */
export function unusedEventId(first: string, refused: readonly string[]): string {
  let id = first
  for (let turn = 2; refused.includes(id); turn++) id = `${first}~${turn}`
  return id
}

/**
 * The record that an event is of; `undefined` for an id that no sink of this kind makes. A sink of
 * tokens and one of cost can stand beside each other, and what befell the events of the one is
 * nothing to the other.
 */
export function recordIdOf(eventId: string, value: ValueOption): string | undefined {
  return patterns[value].exec(eventId)?.[1]
}

const patterns: Readonly<Record<ValueOption, RegExp>> = {
  tokens: /^(.+):(?:input|output|cached_input|cached_write)(?:~\d+)?$/s,
  cost: /^(.+):cost(?:~\d+)?$/s,
}
