import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { startPostgres } from '@token-meter/testkit/internal'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { createCredits } from '../src/index.ts'
import type { CallerOrder } from './caller.ts'

const caller = fileURLToPath(new URL('caller.ts', import.meta.url))
const run = promisify(execFile)

let schemas = 0

/** How many calls were admitted in some processes, and what the account has then. */
async function load(
  processes: number,
  order: Pick<CallerOrder, 'callers' | 'hold' | 'cost' | 'isControl'>,
  credit: string,
  url?: string,
) {
  const path = url === undefined ? temporaryFile() : `load_${++schemas}`
  const outbox =
    url === undefined
      ? sqliteOutbox(path)
      : postgresOutbox({ connectionString: url }, { schema: path })
  onTestFinished(async () => void (await outbox.close()))
  const credits = createCredits({ outbox, busyMs: 60_000 })
  await credits.grant('cus_1', { usd: credit, idempotencyKey: 'pack' })
  const beginAt = Date.now() + 1500
  const outputs = await Promise.all(
    Array.from({ length: processes }, async (_, process) => {
      const argument = JSON.stringify({
        ...order,
        path,
        url,
        process,
        beginAt,
      } satisfies CallerOrder)
      const { stdout } = await run(globalThis.process.execPath, [caller, argument])
      return JSON.parse(stdout) as { admitted: number }
    }),
  )
  const admitted = outputs.reduce((sum, output) => sum + output.admitted, 0)
  return { admitted, balance: await credits.balance('cus_1') }
}

describe.each([
  { processes: 1, callers: 64 },
  { processes: 4, callers: 64 },
  { processes: 4, callers: 250 },
])('$callers callers in each of $processes processes', ({ processes, callers }) => {
  const price = '0.0123'
  const calls = 300
  const credit = '3.69'

  test('exactly as many calls are admitted as there is credit for', async () => {
    const { admitted, balance } = await load(
      processes,
      { callers, hold: price, cost: price },
      credit,
    )
    expect(admitted).toBe(calls)
    expect(balance).toMatchObject({ available: '0', held: '0', debt: '0' })
  }, 120_000)

  test('who looks first and takes then overspends', async () => {
    const order = { callers, hold: price, cost: price, isControl: true }
    const { admitted, balance } = await load(processes, order, credit)
    expect(admitted).toBeGreaterThan(calls)
    expect(Number(balance.debt)).toBeGreaterThan(0)
  }, 120_000)
})

test('in a database exactly as many calls of all processes are admitted', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.stop())
  const order = { callers: 32, hold: '0.01', cost: '0.01' }
  const { admitted, balance } = await load(3, order, '1', server.url)
  expect(admitted).toBe(100)
  expect(balance).toMatchObject({ available: '0', held: '0', debt: '0' })
}, 120_000)
