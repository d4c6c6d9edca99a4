import type { Figure, FigureOptions } from './figure.ts'
import { BenchOutboxes, type OutboxKind } from './bench-outbox.ts'
import { benchRecords } from './bench-usage.ts'
import { quantile, yieldToEventLoop } from './measured.ts'

/** Appends that are measured, by how long one takes. */
const counts: Readonly<Record<OutboxKind, number>> = {
  memory: 20_000,
  'sqlite process': 20_000,
  'sqlite group': 20_000,
  'sqlite full': 2_000,
  postgres: 2_000,
}

/** How long one record takes to be kept, one after the other, as a call waits for it. */
export async function appendLatency({ quick }: FigureOptions): Promise<Figure[]> {
  const figures: Figure[] = []
  await using outboxes = new BenchOutboxes()
  for (const kind of await outboxes.available(Object.keys(counts) as OutboxKind[])) {
    const { outbox } = await outboxes.open(kind)
    const count = quick ? counts[kind] / 10 : counts[kind]
    const records = benchRecords(count + 500)
    const micros: number[] = []
    for (const [index, record] of records.entries()) {
      const startedAt = performance.now()
      const kept = outbox.append([record])
      if (kept !== undefined) await kept
      // The first ones warm up.
      if (index >= 500) micros.push((performance.now() - startedAt) * 1000)
      // An application does other things between calls; a group is written meanwhile.
      if (index % 50 === 0) await yieldToEventLoop()
    }
    const row = { group: 'append', unit: 'µs' }
    const note = kind === 'sqlite process' ? 'target: p50 at most 25' : ''
    figures.push(
      { ...row, name: `${kind}, p50`, value: quantile(micros, 0.5), note },
      { ...row, name: `${kind}, p99`, value: quantile(micros, 0.99), note: '' },
    )
  }
  return figures
}
