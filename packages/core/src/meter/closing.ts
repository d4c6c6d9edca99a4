import { settledWithin, valueBefore } from '../lib/timing.ts'
import { perishablePart } from '../environment/fallback-outbox.ts'
import { FlushError } from '../errors/errors.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { MeterStats } from './stats.ts'

/** How long an outbox may take to count what is left and to close, in ms each. */
const outboxMs = 1000

/**
 * Closes the outbox, and answers the last counts of it.
 * @throws FlushError when it does not answer, or when records are lost with it; what it throws.
 */
export async function countAndClose(
  outbox: Outbox,
  count: () => Promise<MeterStats>,
): Promise<MeterStats> {
  const perishable = perishablePart(outbox)
  let counted: { readonly value: MeterStats } | undefined
  let lost: MeterStats['sinks'] | undefined
  let closed: { readonly value: void } | undefined
  try {
    counted = await valueBefore(performance.now() + outboxMs, count)
    lost =
      counted && perishable && perishable !== outbox
        ? await countsIn(perishable, Object.keys(counted.value.sinks))
        : counted?.value.sinks
  } finally {
    closed = await valueBefore(performance.now() + outboxMs, () => outbox.close())
  }
  if (counted === undefined || closed === undefined) throw noAnswer(outbox, 'close() gave up')
  if (perishable !== undefined && lost !== undefined) checkNothingIsLost(lost)
  return counted.value
}

async function countsIn(outbox: Outbox, names: readonly string[]): Promise<MeterStats['sinks']> {
  const counts = await Promise.all(names.map(async (name) => [name, await outbox.stats(name)]))
  return Object.fromEntries(counts)
}

/** @throws FlushError when not all is delivered, or given up by name. */
function checkNothingIsLost(stats: MeterStats['sinks']): void {
  const lost = {
    pending: leftOf(stats, 'pending'),
    dead: leftOf(stats, 'dead'),
    unattributed: leftOf(stats, 'unattributed'),
    held: leftOf(stats, 'held'),
  }
  const said = Object.entries(lost).flatMap(([state, counts]) =>
    Object.keys(counts).length === 0 ? [] : `${inWords(counts)} (${state})`,
  )
  if (said.length === 0) return
  throw new FlushError(
    `close() ended with records in memory that no sink took: ${said.join(', ')}. They are lost ` +
      'with it, and were reported whole; an outbox on disk would have kept them',
    lost,
  )
}

/**
 * What `flush()` means once `close()` was called: how closing ended. Nothing more is sent.
 * @throws FlushError when something was left, or is not known within the time.
 */
export async function flushOfClosed(
  closing: Promise<void>,
  last: () => MeterStats | undefined,
  timeoutMs: number,
): Promise<MeterStats> {
  let failure: unknown
  await settledWithin(
    timeoutMs,
    closing.catch((cause: unknown) => (failure = cause)),
  )
  if (failure !== undefined) throw failure
  const stats = last()
  if (stats === undefined) {
    throw new FlushError(`flush() gave up after ${timeoutMs} ms: the meter is still closing`, {
      pending: {},
    })
  }
  const pending = leftOf(stats.sinks, 'pending')
  if (Object.keys(pending).length === 0) return stats
  throw new FlushError(
    `flush() came after close(), which left records in the outbox: ${inWords(pending)}. The next ` +
      'process delivers them',
    { pending },
  )
}

export function noAnswer(outbox: Outbox, what: string): FlushError {
  return new FlushError(`${what}: the outbox (${outbox.description}) does not answer`, {
    pending: {},
  })
}

function leftOf(
  sinks: MeterStats['sinks'],
  state: 'pending' | 'dead' | 'unattributed' | 'held',
): Readonly<Record<string, number>> {
  const counts = Object.entries(sinks).map(([name, stats]) => [name, stats[state]] as const)
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}

function inWords(pending: Readonly<Record<string, number>>): string {
  return Object.entries(pending)
    .map(([name, count]) => `${count} for "${name}"`)
    .join(', ')
}
