import { FlushError } from '../errors/flush-error.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { atMost } from './at-most.ts'
import type { Delivery } from './delivery.ts'

/** How often a waiting flush looks again, in ms. */
const lookMs = 100

/**
 * Resolves when every record appended before the call is settled with every sink.
 * @param stored resolves when what is being appended is in the outbox.
 * @throws FlushError with what is left when `timeoutMs` is over.
 */
export async function flushDeliveries(
  outbox: Outbox,
  deliveries: readonly Delivery[],
  timeoutMs: number,
  stored: Promise<void>,
): Promise<void> {
  // The clock that never jumps, so that the time is neither cut short nor without end.
  const deadline = performance.now() + timeoutMs
  let position: number | undefined
  let failure: unknown
  const marking = stored
    .then(() => outbox.position())
    .then(
      (mark) => (position = mark),
      (cause: unknown) => (failure = cause ?? new Error('unknown')),
    )
  await atMost(timeoutMs, marking)
  if (failure !== undefined) throw failure
  if (position === undefined) throw notStored(outbox, timeoutMs)
  const mark = position
  const settled = await Promise.all(
    deliveries.map((delivery) => flushOne(outbox, delivery, mark, deadline)),
  )
  if (settled.every(Boolean)) return
  const pending: Record<string, number> = {}
  for (const [index, { sink }] of deliveries.entries()) {
    if (settled[index] !== true) pending[sink.name] = (await outbox.stats(sink.name)).pending
  }
  const left = Object.entries(pending)
    .map(([sink, count]) => `${count} for "${sink}"`)
    .join(', ')
  const why = deliveries.flatMap(({ lastReason }) => lastReason ?? [])
  throw new FlushError(
    `flush() gave up after ${timeoutMs} ms with records left: ${left}. They stay in the outbox ` +
      `(${outbox.description})` +
      (why.length > 0 ? `; the last answer was: ${why.join('; ')}` : ''),
    { pending },
  )
}

function notStored(outbox: Outbox, timeoutMs: number): FlushError {
  return new FlushError(
    `flush() gave up after ${timeoutMs} ms: the outbox (${outbox.description}) is still busy with ` +
      'writing what was recorded before',
    { pending: {} },
  )
}

async function flushOne(
  outbox: Outbox,
  delivery: Delivery,
  position: number,
  deadline: number,
): Promise<boolean> {
  const { name } = delivery.sink
  let hurried = false
  for (;;) {
    if (await outbox.isSettled(name, position)) return true
    hurried = hurried || (await delivery.hurry())
    const leftMs = deadline - performance.now()
    if (leftMs <= 0) return false
    await delivery.progress(Math.min(lookMs, leftMs))
  }
}
