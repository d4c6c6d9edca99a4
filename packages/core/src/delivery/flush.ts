import { FlushError } from '../errors/flush-error.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { Delivery } from './delivery.ts'

/** How often a waiting flush looks again, in ms. */
const lookMs = 100

/**
 * Resolves when every record appended before the call is settled with every sink.
 * @throws FlushError with what is left when `timeoutMs` is over, or as soon as it is certain that
 * nothing more can happen within it.
 */
export async function flushDeliveries(
  outbox: Outbox,
  deliveries: readonly Delivery[],
  timeoutMs: number,
): Promise<void> {
  const position = await outbox.position()
  const deadline = Date.now() + timeoutMs
  const settled = await Promise.all(
    deliveries.map((delivery) => flushOne(outbox, delivery, position, deadline)),
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

async function flushOne(
  outbox: Outbox,
  delivery: Delivery,
  position: number,
  deadline: number,
): Promise<boolean> {
  const { name } = delivery.sink
  if (await outbox.isSettled(name, position)) return true
  await delivery.hurry()
  for (;;) {
    if (await outbox.isSettled(name, position)) return true
    const leftMs = deadline - Date.now()
    if (leftMs <= 0) return false
    await delivery.progress(Math.min(lookMs, leftMs))
  }
}
