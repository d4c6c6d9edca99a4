import { OutboxError } from '../errors/outbox-error.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import { MemoryLedger } from './memory-ledger.ts'
import { MemoryProgress } from './memory-progress.ts'
import type { Outbox } from './outbox.ts'

export interface MemoryOutboxOptions {
  /** ms since the epoch. @default Date.now */
  readonly now?: () => number
}

/** An outbox that dies with the process: for tests, and for places without a disk. */
export function memoryOutbox(options: MemoryOutboxOptions = {}): Outbox {
  const now = options.now ?? Date.now
  const ledger = new MemoryLedger()
  /** The sinks that have claimed. */
  const sinks = new Map<string, MemoryProgress>()
  let closed = false

  /** A sink that never claimed has everything before it, and looking does not make it known. */
  const progressOf = (sink: string): MemoryProgress =>
    sinks.get(sink) ?? new MemoryProgress(sink, ledger)

  return {
    description: 'memory',
    durable: false,
    append(records: readonly UsageRecord[]): void {
      if (closed) throw closedError(records)
      for (const record of records) ledger.add(record)
    },
    claim(sink, limit, leaseMs) {
      const progress = progressOf(sink)
      sinks.set(sink, progress)
      return progress.claim(limit, leaseMs, now())
    },
    settle: (batch, results) => progressOf(batch.sink).settle(batch, results, now()),
    position: () => ledger.last,
    isSettled: (sink, position) => progressOf(sink).isSettled(position),
    nextDueAt: (sink) => progressOf(sink).nextDueAt(now()),
    expedite: (sink) => progressOf(sink).expedite(now()),
    stats: (sink) => progressOf(sink).stats(),
    recorded: () => ledger.last,
    deadLetters: (sink, limit = Infinity) => progressOf(sink).deadLetters(limit),
    requeue: (sink, ids) => progressOf(sink).requeue(ids),
    discard: (sink, ids) => progressOf(sink).discard(ids),
    unattributed: (limit = Infinity) =>
      [...ledger.unattributed].slice(0, limit).map((number) => ledger.at(number)),
    attribute(ids, customer) {
      let count = 0
      for (const id of ids) {
        const number = ledger.numberOf(id)
        if (number === undefined || !ledger.unattributed.has(number)) continue
        ledger.attribute(number, customer)
        for (const progress of sinks.values()) progress.attributed(number)
        count++
      }
      return count
    },
    find(id) {
      const number = ledger.numberOf(id)
      return number === undefined ? undefined : ledger.at(number)
    },
    prune(beforeMs) {
      const known = [...sinks.values()]
      if (known.length === 0) return 0
      return ledger.prune(
        (record, number) =>
          record.at < beforeMs && known.every((progress) => progress.hasSettled(number)),
      )
    },
    close() {
      closed = true
    },
  }
}

function closedError(records: readonly UsageRecord[]): OutboxError {
  return new OutboxError(
    'Cannot keep usage in the memory outbox: it is closed. Close the meter after the last call.',
    { records },
  )
}
