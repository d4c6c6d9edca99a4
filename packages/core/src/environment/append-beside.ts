import type { Appended, Outbox } from '../outbox/outbox.ts'
import type { TakenId } from '../outbox/taken-id.ts'

/** Keeps what the other one does not have already: an id is kept once. */
export function appendBeside(
  outbox: Outbox,
  other: Outbox | undefined,
  records: Parameters<Outbox['append']>[0],
): Appended | Promise<Appended> {
  const taken = other === undefined ? [] : takenIn(other, records)
  if (taken.length === 0) return outbox.append(records)
  const rest = new Set(records)
  for (const { record } of taken) rest.delete(record)
  const appended = outbox.append([...rest])
  return appended instanceof Promise
    ? appended.then((more) => [...taken, ...(more ?? [])])
    : [...taken, ...(appended ?? [])]
}

/** As far as it can say at once. */
function takenIn(outbox: Outbox, records: Parameters<Outbox['append']>[0]): TakenId[] {
  return records.flatMap((record) => {
    try {
      const kept = outbox.find(record.id)
      if (kept instanceof Promise) kept.catch(() => {})
      return kept === undefined || kept instanceof Promise ? [] : { record, kept }
    } catch {
      return []
    }
  })
}
