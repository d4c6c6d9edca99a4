import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Outbox } from '@token-meter/core/outbox'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { startPostgres } from '@token-meter/testkit/internal'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { createCredits, type HistoryEntry } from '../src/index.ts'
import type { HolderOrder } from './holder.ts'

const holder = fileURLToPath(new URL('holder.ts', import.meta.url))
/** How often two processes are killed; a search is longer: `TOKEN_METER_TEST_RUNS=50`. */
const rounds = Number(process.env['TOKEN_METER_TEST_RUNS'] ?? 1) * 2

let server: Awaited<ReturnType<typeof startPostgres>>
beforeAll(async () => void (server = await startPostgres()))
afterAll(() => server.stop())

/** Lets two processes work, kills them at any moment, and returns what they said was kept. */
async function killed(order: Omit<HolderOrder, 'process'>, round: number): Promise<string[]> {
  const children = ['p', 'q'].map((process) => {
    const argument = JSON.stringify({ ...order, process: `${process}${round}` })
    return spawn(globalThis.process.execPath, [holder, argument], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  })
  const lines: string[] = []
  await Promise.all(
    children.map(async (child) => {
      const closed = once(child, 'close')
      let rest = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const parts = (rest + text).split('\n')
        rest = parts.pop() ?? ''
        lines.push(...parts)
      })
      await expect.poll(() => lines.length, { timeout: 30_000 }).toBeGreaterThan(0)
      await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 400))
      child.kill('SIGKILL')
      expect(await closed, 'it was killed, and did not end by itself').toEqual([null, 'SIGKILL'])
    }),
  )
  return lines.flatMap((line) => (line.startsWith('settled ') ? [line.slice(8)] : []))
}

async function everyEntry(credits: ReturnType<typeof createCredits>, customer: string) {
  const all: HistoryEntry[] = []
  for (let after: number | undefined; ;) {
    const page = await credits.history(customer, { limit: 1000, ...(after && { after }) })
    all.push(...page.entries)
    if (page.next === undefined) return all
    after = page.next
  }
}

describe.each(['sqlite process', 'sqlite group', 'postgres'])('killed on %s', (kind) => {
  test(
    'books balance, no hold outlives its lease, and what is recorded is charged',
    async () => {
      const durability = kind === 'sqlite group' ? 'group' : 'process'
      const path = kind === 'postgres' ? 'killed' : temporaryFile()
      const order = {
        path,
        durability,
        ...(kind === 'postgres' && { url: server.url, spool: temporaryFile() }),
      } as const
      const outbox: Outbox =
        kind === 'postgres'
          ? postgresOutbox({ connectionString: server.url }, { schema: path })
          : sqliteOutbox(path, { durability })
      onTestFinished(async () => void (await outbox.close()))
      const credits = createCredits({ outbox, busyMs: 60_000 })
      for (const customer of ['cus_0', 'cus_1', 'cus_2']) {
        await credits.grant(customer, { usd: '100000', idempotencyKey: 'pack' })
      }
      const said: string[] = []
      for (let round = 0; round < rounds; round++) {
        said.push(...(await killed(order, round)))
        expect(await credits.verify()).toEqual([])
      }
      await expect
        .poll(
          async () => {
            await credits.sweep()
            const balances = await Promise.all([0, 1, 2].map((n) => credits.balance(`cus_${n}`)))
            return balances.map(({ held }) => held)
          },
          { timeout: 20_000 },
        )
        .toEqual(['0', '0', '0'])
      expect(await credits.verify()).toEqual([])

      const charged = new Map<string, string[]>()
      for (const customer of ['cus_0', 'cus_1', 'cus_2']) {
        for (const { kind: what, record, amount } of await everyEntry(credits, customer)) {
          if (what !== 'usage' || record === null) continue
          charged.set(record, [...(charged.get(record) ?? []), amount])
        }
      }
      expect(charged.size).toBeGreaterThan(4)
      for (const [record, amounts] of charged) {
        const cost = record.endsWith('a') ? '-0.0123' : '-0.000000000007'
        expect(amounts, record).toEqual([cost])
        expect(await outbox.find(record), `${record} is charged`).toBeDefined()
      }
      expect(charged.size, 'records that are kept').toBe(await outbox.recorded())
      if (kind === 'sqlite process')
        expect(said.filter((record) => !charged.has(record))).toEqual([])
    },
    120_000 + rounds * 15_000,
  )
})
