import { describe, expect, onTestFinished, test } from 'vitest'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { postgresOutbox } from '@token-meter/postgres'
import { startPostgres } from '@token-meter/testkit/internal'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { allInput, boundedOutput, exactly, expectedCalls, type Load, load } from './guard-load.ts'

function inFile(wanted: Load) {
  const path = temporaryFile()
  const outbox = sqliteOutbox(path)
  onTestFinished(async () => void (await outbox.close()))
  return load(outbox, { path }, wanted)
}

// The sizes that count are run by `guard-load-run.ts`.
describe.each([{ processes: 3, callers: 24 }])(
  '$callers callers in $processes processes',
  (shape) => {
    test('where a hold is what its call costs, exactly as many are let go as there is credit for', async () => {
      const { admitted, available, held } = await inFile({ ...exactly, ...shape })
      expect({ admitted, available, held }).toEqual({
        admitted: expectedCalls,
        available: 0,
        held: 0,
      })
    }, 120_000)

    test('who looks first and calls then overspends', async () => {
      const { admitted, available } = await inFile({ ...exactly, ...shape, isControl: true })
      expect(admitted).toBeGreaterThan(expectedCalls)
      expect(available).toBeLessThan(0)
    }, 120_000)

    test('nothing is overspent where output is capped, input is text and the estimate a bound', async () => {
      const { available, held, charged } = await inFile({ ...boundedOutput, ...shape })
      expect(available).toBeGreaterThanOrEqual(0)
      expect(held).toBe(0)
      expect(charged).toBeGreaterThan(0)
    }, 120_000)

    test('otherwise no more than what calls used beyond their holds', async () => {
      const { available, held, beyond } = await inFile({ ...allInput, ...shape })
      expect(available).toBeGreaterThanOrEqual(-beyond)
      expect(held).toBe(0)
    }, 120_000)
  },
)

test('in a database exactly as many calls of all processes are let go', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.stop())
  const at = { path: 'guard_load', url: server.url }
  const outbox = postgresOutbox({ connectionString: server.url }, { schema: at.path })
  onTestFinished(async () => void (await outbox.close()))
  const { admitted, available, held } = await load(outbox, at, {
    ...exactly,
    processes: 2,
    callers: 16,
  })
  expect({ admitted, available, held }).toEqual({ admitted: expectedCalls, available: 0, held: 0 })
}, 120_000)
