import type { MemoryLedger } from './memory-ledger.ts'
import type { MemoryProgress } from './memory-progress.ts'
import type { LedgerEntry, LedgerPage, LedgerQuery } from '../outbox.ts'

export function memoryLedgerPage(
  ledger: MemoryLedger,
  progress: MemoryProgress,
  query: LedgerQuery,
): LedgerPage {
  const {
    customer,
    fromMs = -Infinity,
    untilMs = Infinity,
    states,
    after = 0,
    limit = 1000,
  } = query
  const entries: LedgerEntry[] = []
  let last = after
  for (const number of ledger.after(after)) {
    const state = progress.stateOf(number)
    const record = ledger.glance(number)
    if (state === undefined || states?.includes(state) === false) continue
    if (customer !== undefined && record.customer !== customer) continue
    if (record.at < fromMs || record.at >= untilMs) continue
    if (entries.length >= Math.max(1, limit)) return { entries, next: last }
    entries.push(progress.entry(number, state))
    last = number
  }
  return { entries }
}
