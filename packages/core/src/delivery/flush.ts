import { FlushError } from '../errors/errors.ts'
import type { Awaitable } from '../lib/promises.ts'
import { valueBefore } from '../lib/timing.ts'
import { isBusy } from '../outbox/busy.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { Delivery } from './delivery.ts'

/** How often a waiting flush asks again, in ms. */
const pollMs = 100
/** How long the counts of what is left may take once the time is up, in ms. */
const countMs = 200

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
  const deadline = performance.now() + timeoutMs
  const position = await valueBefore(deadline, async () => {
    await stored
    return await outbox.position()
  })
  if (position === undefined) throw notStored(outbox, deliveries, timeoutMs)
  const settled = await Promise.all(
    deliveries.map((delivery) => flushOne(outbox, delivery, position.value, deadline)),
  )
  if (settled.every(Boolean)) return
  const late = deliveries.filter((_, index) => settled[index] !== true)
  throw await notSettled(outbox, deliveries, late, timeoutMs)
}

async function flushOne(
  outbox: Outbox,
  delivery: Delivery,
  position: number,
  deadline: number,
): Promise<boolean> {
  const { name } = delivery.sink
  const isSettled = () =>
    !delivery.arrival.isAwaited && whenFree(() => outbox.isSettled(name, position))
  let isExpedited = false
  for (;;) {
    if ((await valueBefore(deadline, isSettled))?.value === true) return true
    isExpedited ||= (await valueBefore(deadline, () => delivery.expedite()))?.value === true
    const leftMs = deadline - performance.now()
    if (leftMs <= 0) return false
    await delivery.progress(Math.min(pollMs, leftMs))
  }
}

/** False while the outbox is busy: it is asked again. */
async function whenFree(ask: () => Awaitable<boolean>): Promise<boolean> {
  try {
    return await ask()
  } catch (cause) {
    if (isBusy(cause)) return false
    throw cause
  }
}

function notStored(outbox: Outbox, deliveries: readonly Delivery[], timeoutMs: number): FlushError {
  // At least these: what else there is only the outbox knows.
  const waiting = outbox.waiting?.() ?? 0
  const pending = deliveries.map(({ sink }) => [sink.name, waiting] as const)
  return new FlushError(
    `flush() gave up after ${timeoutMs} ms: the outbox (${outbox.description}) is still busy with ` +
      `writing what was recorded before${waiting > 0 ? ` (${waiting} record(s) of this process)` : ''}`,
    { pending: waiting > 0 ? Object.fromEntries(pending) : {} },
  )
}

async function notSettled(
  outbox: Outbox,
  deliveries: readonly Delivery[],
  late: readonly Delivery[],
  timeoutMs: number,
): Promise<FlushError> {
  const counts = await Promise.all(late.map(({ sink }) => countLeft(outbox, sink.name)))
  const pending: Record<string, number> = {}
  const left = late.map(({ sink }, index) => {
    const count = counts[index]
    if (count !== undefined) pending[sink.name] = count
    return `${count ?? 'an unknown number'} for "${sink.name}"`
  })
  const why = deliveries.flatMap(({ lastReason }) => lastReason ?? [])
  return new FlushError(
    `flush() gave up after ${timeoutMs} ms with records left: ${left.join(', ')}. They stay in the outbox ` +
      `(${outbox.description})` +
      (why.length > 0 ? `; the last answer was: ${why.join('; ')}` : ''),
    { pending },
  )
}

/** `undefined` when the outbox does not say. */
async function countLeft(outbox: Outbox, sink: string): Promise<number | undefined> {
  try {
    const stats = await valueBefore(performance.now() + countMs, () => outbox.stats(sink))
    return stats?.value.pending
  } catch {
    return undefined
  }
}
