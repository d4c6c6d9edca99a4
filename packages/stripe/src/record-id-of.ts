import { tokenTypes } from '@token-meter/core/sink'
import type { ValueOption } from './stripe-sink-options.ts'

/**
 * The record that an event is of; `undefined` for an id that no sink of this kind makes. A sink of
 * tokens and one of cost can stand beside each other, and what befell the events of the one is
 * nothing to the other.
 */
export function recordIdOf(eventId: string, value: ValueOption): string | undefined {
  const [, recordId, what] = /^(.+):([^:~]+)(?:~\d+)?$/s.exec(eventId) ?? []
  const isOurs = value === 'cost' ? what === 'cost' : tokenTypes.some(({ type }) => type === what)
  return isOurs ? recordId : undefined
}
