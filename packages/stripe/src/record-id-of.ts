import type { ValueOption } from './stripe-sink-options.ts'

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
