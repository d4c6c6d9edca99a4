import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { cost } from '@token-meter/core/cost'
import type { Outbox } from '@token-meter/core/outbox'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { startFakeStripe } from '@token-meter/testkit'
import { startPostgres } from '@token-meter/testkit/internal'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createCredits } from '../src/index.ts'
import { costing } from './collecting.ts'
import type { PartOrder } from './part.ts'

const script = fileURLToPath(new URL('part.ts', import.meta.url))
/** How often the process with the cursor is killed; a search is longer. */
const kills = Number(process.env['TOKEN_METER_TEST_RUNS'] ?? 1) * 5

let server: Awaited<ReturnType<typeof startPostgres>>
beforeAll(async () => void (server = await startPostgres()))
afterAll(() => server.stop())
let schemas = 0

interface Started {
  readonly child: ChildProcess
  /** What it has printed, in lines. */
  readonly lines: readonly string[]
  readonly ended: Promise<unknown>
  kill(): Promise<unknown>
}

describe.each(['sqlite', 'postgres'])('processes on %s', (kind) => {
  /** A store of this test, which this process and its children open. */
  function shared() {
    const path = kind === 'sqlite' ? temporaryFile() : `parts_${++schemas}`
    const open = (): Outbox => {
      const outbox =
        kind === 'sqlite'
          ? sqliteOutbox(path)
          : postgresOutbox(
              { connectionString: server.url },
              { schema: path, spoolFolder: temporaryFile() },
            )
      onTestFinished(async () => void (await outbox.close()))
      return outbox
    }
    const start = (order: Omit<PartOrder, 'path'>): Started => {
      const where = kind === 'sqlite' ? { path } : { path, url: server.url }
      const argument = JSON.stringify({ ...where, ...order } satisfies PartOrder)
      const child = spawn(process.execPath, [script, argument], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const lines: string[] = []
      let rest = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const parts = (rest + text).split('\n')
        rest = parts.pop() ?? ''
        lines.push(...parts)
      })
      const ended = once(child, 'close')
      const kill = () => {
        child.kill('SIGKILL')
        return ended
      }
      onTestFinished(async () => void (await kill()))
      return { child, lines, ended, kill }
    }
    return { open, start }
  }

  test('a worker without credits delivers nothing of a prepaid account: it waits, says so, and goes on', async () => {
    const { open, start } = shared()
    const fake = await startFakeStripe()
    onTestFinished(() => fake.close())
    const outbox = open()
    const credits = createCredits({ outbox })
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    // Nobody keeps the books for a while.
    credits.close()
    const worker = start({
      part: 'deliver',
      stripe: { apiKey: fake.apiKey, baseUrl: fake.url },
    })
    await outbox.append([costing('r1', '0.25', { at: Date.now() })])
    await outbox.append([costing('r2', '1', { at: Date.now(), customer: 'cus_2' })])
    await vi.waitFor(() => expect(worker.lines.join()).toMatch(/books of prepaid credit/), 20_000)
    expect(fake.meterEvents).toEqual([])
    createCredits({ outbox: open() })
    await vi.waitFor(() => {
      const last = worker.lines.findLast((line) => line.startsWith('stats ')) ?? ''
      expect(last).toMatch(/"pending":0/)
      expect(last).toMatch(/"delivered":1.*"covered":1/)
    }, 20_000)
    const payers = fake.meterEvents.map(({ payload }) => payload['stripe_customer_id'])
    expect(new Set(payers)).toEqual(new Set(['cus_2']))
  }, 60_000)

  test('the cursor is killed at any moment while others record: each record is charged, and once', async () => {
    const { open, start } = shared()
    const outbox = open()
    const credits = createCredits({ outbox, busyMs: 60_000 })
    await credits.grant('cus_1', { usd: '5', idempotencyKey: 'a' })
    credits.close()
    const recording = ['p', 'q'].map((name) => start({ part: 'record', name, appends: 200 }))
    for (let killed = 0; killed < kills; killed++) {
      const charging = start({ part: 'charge' })
      await vi.waitFor(() => expect(charging.lines).toEqual(['begun']), 20_000)
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 300))
      await charging.kill()
      expect(await credits.verify()).toEqual([])
    }
    const exits = await Promise.all(recording.map(({ ended }) => ended))
    expect(exits).toEqual([
      [0, null],
      [0, null],
    ])
    expect(await outbox.recorded()).toBe(1200)
    const other = start({ part: 'charge' })
    const next = createCredits({ outbox: open(), busyMs: 60_000 })
    // What a killed one had claimed is free again when its lease is over, or its process is seen to be gone.
    expect(await next.flush({ timeoutMs: 60_000 })).toBe(true)
    await other.kill()
    expect(await credits.verify()).toEqual([])
    expect(await next.reconcile()).toMatchObject({
      isClean: true,
      sums: [{ unit: 'usd', covered: '200', billed: '0', expected: '200' }],
    })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '-195', debt: '195' })
  }, 120_000)

  test('a process that lives for a moment charges as it records, and the next one what it could not', async () => {
    const { open, start } = shared()
    const outbox = open()
    const credits = createCredits({ outbox })
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    credits.close()
    const [exit] = (await start({ part: 'brief' }).ended) as [number]
    expect(exit).toBe(0)
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.75' })
    const calculate = cost({ prices: () => ({ input: 1, output: 1 }) })
    const next = createCredits({ outbox: open(), cost: calculate })
    // What the process had claimed when it ended is free when its lease is over.
    expect(await next.flush({ timeoutMs: 30_000 })).toBe(true)
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.5' })
    expect(await outbox.statesOf('credits', ['ra', 'rb'])).toEqual(['covered', 'covered'])
  }, 60_000)
})
