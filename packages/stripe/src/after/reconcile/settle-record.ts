import type { LedgerEntry } from '@token-meter/core/adapter'
import type { AfterTheFact } from '../after-the-fact.ts'
import type { Arrived } from './arrived-events.ts'
import { knownEvents } from './known-events.ts'
import type { ReconcileAction, Unresolved } from './reconcile-report.ts'

/** What the arrived events of a span mean for one dead letter of it. */
export function decision(
  after: AfterTheFact,
  entry: LedgerEntry,
  arrived: Arrived,
): Omit<ReconcileAction, 'applied'> | Unresolved {
  const { id: recordId, customer } = entry.record
  const common = { recordId, customer: customer ?? '' }
  const arrivedEventIds: string[] = []
  const missingEventIds: string[] = []
  for (const { id, eventName, fate } of knownEvents(after, entry)) {
    if (fate !== 'uncertain') continue
    const found = arrived.get(eventName)
    if (typeof found !== 'object') return { ...common, reason: `${eventName}: ${found}` }
    const list = found.ids.has(id) ? arrivedEventIds : missingEventIds
    list.push(id)
  }
  const action = missingEventIds.length === 0 ? 'delivered' : 'requeue'
  return { ...common, action, arrivedEventIds, missingEventIds }
}

/** Settles the record, or sends again what is missing of it. False when it was moved already. */
export async function settleRecord(
  { outbox, sink }: AfterTheFact,
  { deliveredEventIds }: LedgerEntry,
  { recordId, action, arrivedEventIds }: Omit<ReconcileAction, 'applied'>,
): Promise<boolean> {
  const ids = [recordId]
  const reason = "Stripe's sums prove what arrived"
  if (action === 'delivered')
    return (await outbox.correct(sink, ids, { state: action, reason })) > 0
  if (arrivedEventIds.length > 0) {
    // By way of delivered, because what a dead letter has of its own can only become less.
    await outbox.correct(sink, ids, { state: 'delivered', reason })
    const known = [...deliveredEventIds, ...arrivedEventIds]
    await outbox.correct(sink, ids, {
      state: 'dead',
      reason,
      deliveredEventIds: known,
      code: 'proven',
    })
  }
  return (await outbox.requeue(sink, ids)) > 0
}
