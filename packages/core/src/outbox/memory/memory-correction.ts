import { correctedEvents } from '../corrected-events.ts'
import { refusalOf } from '../../errors/refusal.ts'
import type { MemoryItems } from './memory-items.ts'
import type { Correction, RecordState } from '../outbox.ts'

export interface MemoryCorrection {
  readonly to: 'delivered' | 'dead' | 'discarded'
  readonly reason: string
  readonly more: Correction | undefined
  readonly nowMs: number
}

/** Moves a record that is settled, and says whether it moved. */
export function correctItem(
  items: MemoryItems,
  number: number,
  from: RecordState | undefined,
  { to, reason, more = {}, nowMs }: MemoryCorrection,
): boolean {
  if (from !== 'delivered' && from !== 'dead' && from !== 'discarded') return false
  const known = items.knownEvents(number)
  const corrected = to === 'dead' ? correctedEvents(known, from, more) : known
  if (corrected === undefined) return false
  if (from !== to) {
    if (from === 'delivered') items.delivered--
    if (from === 'discarded') items.discarded--
    if (to === 'delivered') items.deliver(number)
    else if (to === 'dead') items.bury(number, reason, more, nowMs)
    else items.discard(number, { reason, refusal: refusalOf(more) })
  }
  items.learnEvents(number, corrected)
  return from !== to
}
