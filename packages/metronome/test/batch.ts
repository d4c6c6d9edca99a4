import type { Batch, BatchEntry, UsageRecord } from '@token-meter/core/adapter'
import { exampleRecord } from '@token-meter/testkit'

/** A signal that is never aborted. */
export const never: AbortSignal = new AbortController().signal

export const hourMs: number = 60 * 60_000
export const dayMs: number = 24 * hourMs

/** Records `r0`, `r1`, ... of just now. */
export function recordsOf(count: number, change: Partial<UsageRecord> = {}): UsageRecord[] {
  const tokens = { input: 10, cachedInput: 5, cachedWrite: 0, output: 7 }
  return Array.from({ length: count }, (_, index) =>
    exampleRecord({ id: `r${index}`, tokens, at: Date.now(), ...change }),
  )
}

/** A batch, as delivery claims it; `known` is what earlier attempts left on every entry. */
export function batchOf(records: readonly UsageRecord[], known: Partial<BatchEntry> = {}): Batch {
  const entries = records.map((record) => ({
    record,
    attempts: 0,
    firstAttemptAt: undefined,
    uncertainSince: undefined,
    deliveredEventIds: [],
    ...known,
  }))
  return { id: 'b1', sink: 'metronome', lease: 'l1', entries }
}
