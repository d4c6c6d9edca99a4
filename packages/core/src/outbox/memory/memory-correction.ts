import { correctedEvents } from '../corrected-events.ts'
import { refusalOf } from '../../errors/refusal.ts'
import type { MemoryItems } from './memory-items.ts'
import type { Correction, RecordState } from '../outbox.ts'

/** Moves a record that is settled, and says whether it moved. */
export function correctItem(
  items: MemoryItems,
  number: number,
  from: RecordState | undefined,
  correction: Correction & { readonly nowMs: number },
): boolean {
  const { state: to, reason, nowMs } = correction
  if (from !== 'delivered' && from !== 'dead' && from !== 'discarded') return false
  const known = items.knownEvents(number)
  const corrected = correctedEvents(known, from, correction)
  if (corrected === undefined) return false
  if (from !== to) {
    if (from === 'delivered') items.delivered--
    if (from === 'discarded') items.discarded--
    if (to === 'delivered') items.deliver(number)
    else if (to === 'dead') items.bury(number, reason, correction, nowMs)
    else items.discard(number, { reason, refusal: refusalOf(correction) })
  }
  if (corrected !== known) items.learnEvents(number, corrected)
  return from !== to
}
