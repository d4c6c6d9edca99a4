import type { MeterEventParams } from './meter-event-params.ts'

const windowMs = 24 * 60 * 60_000

/** Takes an event out of those that are billed; the answer is why that cannot be, or `undefined`. */
export function cancelEvent(
  events: MeterEventParams[],
  receivedAt: ReadonlyMap<MeterEventParams, number>,
  { eventName, identifier, now }: { eventName: string; identifier: string; now: number },
): string | undefined {
  const event = events.find(
    (event) => event.identifier === identifier && event.event_name === eventName,
  )
  if (event === undefined) return `No meter event found with identifier ${identifier}.`
  if (now - (receivedAt.get(event) ?? 0) >= windowMs) {
    return `The meter event ${identifier} was received more than 24 hours ago.`
  }
  events.splice(events.indexOf(event), 1)
  return undefined
}
