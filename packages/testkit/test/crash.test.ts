import { expect, test } from 'vitest'
import { crashRun } from '../src/crash/crash-run.ts'
import { reportLines } from '../src/crash/report-lines.ts'

// The long run is a command: docs/crash-run.md. The seed of one that failed can be tried here.
const seed = process.env['TOKEN_METER_CRASH_SEED'] ?? '2026'

test('every token is billed once, though every process is killed again and again', async () => {
  const report = await crashRun({ kills: 25, seed })
  console.log(reportLines(report))
  expect(report.problems).toEqual([])
  expect(report.kills).toBeGreaterThanOrEqual(25)
  expect(report.acknowledged).toBeGreaterThan(0)
  expect(report.records).toBeGreaterThanOrEqual(report.resolved)
}, 180_000)
