import type { Batch, BatchEntry, UsageRecord } from '@token-meter/core/adapter'
import { exampleRecord, startFakeLago, type FakeLagoOptions } from '@token-meter/testkit'
import { onTestFinished } from 'vitest'
import { lagoSink, type LagoSinkOptions } from '../src/index.ts'

/** A signal that is never aborted. */
export const never: AbortSignal = new AbortController().signal

/** Records `r0`, `r1`, ... of just now, each of three token types. */
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
  return { id: 'b1', sink: 'lago', lease: 'l1', entries }
}

/** A fake Lago and a sink on it that does not ask for codes; it ends with the test. */
export async function start(options: LagoSinkOptions = {}, fakeOptions: FakeLagoOptions = {}) {
  const fake = await startFakeLago(fakeOptions)
  onTestFinished(() => fake.close())
  const { apiKey, url: apiUrl } = fake
  const own = options.client === undefined ? { apiKey, apiUrl } : {}
  const sink = lagoSink({ ...own, checkCodes: false, timeoutMs: 2000, ...options })
  return { fake, sink, apiKey, apiUrl }
}
