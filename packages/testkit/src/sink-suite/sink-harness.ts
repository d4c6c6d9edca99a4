import type { Fault } from '../http/fault.ts'
import {
  toMeterEvents,
  type Batch,
  type BatchEntry,
  type SendProgress,
  type Sink,
  type SinkResult,
} from '@token-meter/core/adapter'
import type { UsageRecord } from '@token-meter/core/wire'
import { exampleRecord } from '../example-record.ts'
import type { BilledRow, SinkBackend, SinkSuite } from './sink-backend.ts'

/** One test's backend and sink. A request of the sink may take 300 ms. */
export interface SinkHarness<Backend extends SinkBackend> extends AsyncDisposable {
  readonly backend: Backend
  readonly sink: Sink
  /** Another sink on the same backend, as another process would have. */
  another(timeoutMs?: number): Sink
  /** To send with under a fault: where it takes all of a request's time, a sink that gives it little. */
  inTime(fault: Fault | undefined): { readonly sink?: Sink }
  /** Sends records as delivery would. */
  send(records: readonly UsageRecord[], options?: SendOptions): Promise<readonly SinkResult[]>
}

/** How records are sent. */
export interface SendOptions {
  /** The results of the attempt before: what they say was delivered is told to the sink. */
  readonly earlier?: readonly SinkResult[]
  readonly signal?: AbortSignal
  /** @default none: the sink reports to nobody */
  readonly progress?: SendProgress
  /** @default the harness's own */
  readonly sink?: Sink
}

/** Starts a backend and makes a sink on it; both are closed when it is disposed. */
export async function sinkHarness<Backend extends SinkBackend>(
  suite: SinkSuite<Backend>,
): Promise<SinkHarness<Backend>> {
  const backend = await suite.backend()
  const sinks: Sink[] = []
  // Long enough for a busy machine: what waits for it brings a shorter one.
  const another = (timeoutMs = 10_000) => {
    const sink = suite.create(backend, { timeoutMs })
    sinks.push(sink)
    return sink
  }
  const ownSink = another()
  return {
    backend,
    sink: ownSink,
    another,
    inTime: (fault) => (fault?.connection === 'hang' ? { sink: another(300) } : {}),
    send: (records, options = {}) => {
      const { earlier = [], signal = new AbortController().signal, sink = ownSink } = options
      return sink.send(batchOf(sink, records, earlier), signal, options.progress)
    },
    [Symbol.asyncDispose]: async () => {
      for (const sink of sinks) await sink.close?.()
      await backend.close()
    },
  }
}

function batchOf(
  sink: Sink,
  records: readonly UsageRecord[],
  earlier: readonly SinkResult[],
): Batch {
  const isFirst = earlier.length === 0
  const nowMs = Date.now()
  const entries = records.map((record, index): BatchEntry => ({
    record,
    attempts: isFirst ? 0 : 1,
    firstAttemptAt: isFirst ? undefined : nowMs,
    uncertainSince: isUncertain(earlier[index]) ? nowMs : undefined,
    deliveredEventIds: earlier[index]?.deliveredEventIds ?? [],
  }))
  return { id: 'batch-1', sink: sink.name, lease: 'lease-1', entries }
}

/** True when the result says that its attempt may have arrived. */
export function isUncertain(result: SinkResult | undefined): boolean {
  return result?.status === 'retry' && result.uncertain === true
}

/** A record of just now, as backends refuse old ones, with three token types. */
export function sinkRecord(changes: Partial<UsageRecord> = {}): UsageRecord {
  return exampleRecord({ at: Date.now(), ...changes })
}

/** What a backend must have billed once these records are accepted, in any order. */
export function expectedBill(records: readonly UsageRecord[]): readonly BilledRow[] {
  const rows = new Map<string, BilledRow>()
  for (const { customer, value, dimensions } of records.flatMap((record) =>
    toMeterEvents(record),
  )) {
    const row = { customer, model: dimensions.model, tokenType: dimensions.token_type }
    const key = rowKey(row)
    rows.set(key, { ...row, value: value + (rows.get(key)?.value ?? 0) })
  }
  return sortedBill([...rows.values()])
}

/** The columns that every backend has, in an order that can be compared. */
export function sortedBill(rows: readonly BilledRow[]): readonly BilledRow[] {
  return rows
    .map(({ customer, model, tokenType, value }) => ({ customer, model, tokenType, value }))
    .toSorted((a, b) => (rowKey(a) < rowKey(b) ? -1 : 1))
}

function rowKey({ customer, model, tokenType }: Omit<BilledRow, 'value'>): string {
  return JSON.stringify([customer, model, tokenType])
}
