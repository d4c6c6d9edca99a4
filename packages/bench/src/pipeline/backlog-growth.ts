import { statSync } from 'node:fs'
import type { Batch, Outbox } from '@token-meter/core'
import { type BenchOutbox, BenchOutboxes, fill } from './bench-outbox.ts'
import { benchRecords } from './bench-usage.ts'
import type { Figure, FigureOptions } from './figure.ts'
import { bytesOfSchema } from './bytes-of-schema.ts'
import { collectGarbage, quantile } from './measured.ts'

const sink = 'bench'
const batchSize = 100
/** So few that what waits stays about the same. */
const rounds = 30

/** How long a claim takes as more and more waits, and how much room what waits takes. */
export async function backlogGrowth({ quick }: FigureOptions): Promise<Figure[]> {
  const sizes = quick ? [1e4, 5e4] : [1e4, 1e5, 1e6]
  const figures: Figure[] = []
  await using outboxes = new BenchOutboxes()
  for (const kind of await outboxes.available(['sqlite process', 'postgres'])) {
    const opened = await outboxes.open(kind)
    let kept = 0
    let settled = 0
    for (const size of sizes) {
      const from = kept
      kept = size + settled
      await fill(opened.outbox, kept - from, (count, start) => benchRecords(count, from + start))
      const { claims, settles, looks } = await claimAndSettle(opened.outbox)
      settled += rounds * batchSize
      const name = (what: string) => `${kind}, ${size.toLocaleString('en')} waiting: ${what}`
      const row = { group: 'backlog', unit: 'ms' }
      for (const [what, times] of Object.entries({
        claim: claims,
        settle: settles,
        stats: looks,
      })) {
        const note = `batches of ${batchSize}; p99 ${quantile(times, 0.99).toFixed(2)}`
        figures.push({ ...row, name: name(what), value: quantile(times, 0.5), note })
      }
    }
    const bytes = await bytesOnDisk(opened)
    figures.push({
      group: 'room',
      name: `${kind}, disk per million records`,
      value: (bytes / kept) * (1e6 / 2 ** 20),
      unit: 'MiB',
      note: `at ${kept.toLocaleString('en')}, ${Math.round(bytes / kept)} bytes a record`,
    })
  }
  figures.push(...(await memoryPerMillion(outboxes, quick ? 1e4 : 1e5)))
  return figures
}

async function claimAndSettle(
  outbox: Outbox,
): Promise<Record<'claims' | 'settles' | 'looks', number[]>> {
  const claims: number[] = []
  const settles: number[] = []
  const looks: number[] = []
  for (let round = 0; round < rounds; round++) {
    const batch = await timed(claims, () =>
      outbox.claim(sink, { limit: batchSize, leaseMs: 60_000 }),
    )
    if (batch?.entries.length !== batchSize) throw new Error('a claim was not full')
    const results = (batch satisfies Batch).entries.map(() => ({ status: 'accepted' }) as const)
    await timed(settles, () => outbox.settle(batch, results))
    if (round % 10 === 0) await timed(looks, () => outbox.stats(sink))
  }
  return { claims, settles, looks }
}

async function timed<Value>(times: number[], work: () => Value): Promise<Awaited<Value>> {
  const startedAt = performance.now()
  const value = await work()
  times.push(performance.now() - startedAt)
  return value
}

async function bytesOnDisk({ place }: BenchOutbox): Promise<number> {
  const { path, url, schema } = place
  if (path !== undefined) {
    const files = ['', '-wal', '-shm'].map((end) => statSync(path + end, { throwIfNoEntry: false }))
    return files.reduce((sum, file) => sum + (file?.size ?? 0), 0)
  }
  if (url === undefined || schema === undefined) throw new Error('it is on no disk')
  return await bytesOfSchema(url, schema)
}

/** What this process holds for records that wait. */
async function memoryPerMillion(outboxes: BenchOutboxes, count: number): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const kind of await outboxes.available(['memory', 'sqlite process', 'postgres'])) {
    const { outbox } = await outboxes.open(kind)
    await outbox.recorded()
    collectGarbage()
    const before = process.memoryUsage()
    await fill(outbox, count, benchRecords)
    // What is kept only for a moment is let go.
    await new Promise((resolve) => setTimeout(resolve, 300))
    collectGarbage()
    const after = process.memoryUsage()
    const heap = after.heapUsed + after.external - before.heapUsed - before.external
    figures.push({
      group: 'room',
      name: `${kind}, memory per million records`,
      value: (Math.max(0, heap) / count) * (1e6 / 2 ** 20),
      unit: 'MiB',
      note: `heap and buffers at ${count.toLocaleString('en')}; rss ${rssGrowth(before, after)} MiB more`,
    })
  }
  return figures
}

function rssGrowth(before: NodeJS.MemoryUsage, after: NodeJS.MemoryUsage): number {
  return Math.round((after.rss - before.rss) / 2 ** 20)
}
