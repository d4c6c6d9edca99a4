import { type PostgresServer, startPostgres } from '@token-meter/testkit/internal'
import { afterAll, expect, test } from 'vitest'
import { crashRun } from '../src/crash/crash-run.ts'
import { reportLines } from '../src/crash/report-lines.ts'

const seed = process.env['TOKEN_METER_CRASH_SEED'] ?? '2026'

let server: PostgresServer | undefined
try {
  server = await startPostgres()
} catch (cause) {
  const reason = cause instanceof Error ? cause.message : String(cause)
  console.warn(`The crash run on Postgres is skipped: no Postgres here (${reason})`)
}
afterAll(() => server?.stop())

test.skipIf(server === undefined)(
  'every token is billed once, though every process is killed again and again',
  async () => {
    const report = await crashRun({
      kills: 10,
      seed,
      outbox: { kind: 'postgres', url: server?.url ?? '' },
    })
    console.log(reportLines(report))
    expect(report.problems).toEqual([])
    expect(report.kills).toBeGreaterThanOrEqual(10)
    expect(report.records).toBeGreaterThanOrEqual(report.resolved)
  },
  180_000,
)
