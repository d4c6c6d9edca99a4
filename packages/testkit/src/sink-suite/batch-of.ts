import type { Batch, BatchEntry, SinkResult } from '@token-meter/core/adapter'
import type { UsageRecord } from '@token-meter/core/wire'
import { exampleRecord } from '../example-record.ts'

/** A signal that is never aborted. */
export const never: AbortSignal = new AbortController().signal

/** Records `r0`, `r1`, ... of just now, each of three token types. */
export function recordsOf(count: number, changes: Partial<UsageRecord> = {}): UsageRecord[] {
  const tokens = { input: 10, cachedInput: 5, cachedWrite: 0, output: 7 }
  return Array.from({ length: count }, (_, index) =>
    exampleRecord({ id: `r${index}`, tokens, at: Date.now(), ...changes }),
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
  return { id: 'b1', sink: 'sink', lease: 'l1', entries }
}

/** Each status once. */
export function statusesOf(results: readonly SinkResult[]): readonly string[] {
  return [...new Set(results.map(({ status }) => status))]
}
