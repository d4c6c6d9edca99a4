import type { ObservedCall } from '@token-meter/core/adapter'
import { interactionsEndpoint } from '../wire/interactions.ts'
import type { Observation } from './google-observation.ts'
import { InteractionWatches } from './interaction-watch.ts'

// Of the process: an interaction created through one metered client may be asked for through another.
export const interactionWatches: InteractionWatches = new InteractionWatches()

/** Begins a call that asks for an interaction again: whoever created it pays, and it is never refused. */
export function beginInteractionAgain(
  observation: Observation,
  id: string,
  method: string,
): ObservedCall | undefined {
  let call: ObservedCall | undefined
  const endpoint = interactionsEndpoint(interactionWatches.askedAgain(id, () => call))
  const creator = interactionWatches.creatorOf(id)
  call =
    creator?.again({ ...creator.call, method }, endpoint) ??
    observation.begin(endpoint, {}, { method, free: true })
  return call
}
