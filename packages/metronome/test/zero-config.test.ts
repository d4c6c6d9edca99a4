import { join } from 'node:path'
import { startFakeMetronome } from '@token-meter/testkit'
import { runZeroConfig } from '@token-meter/testkit/internal'
import { expect, test } from 'vitest'

const run = (environment: Record<string, string>) =>
  runZeroConfig(join(import.meta.dirname, '..'), environment)

test('METRONOME_BEARER_TOKEN is all it needs', async () => {
  await using fake = await startFakeMetronome()
  const { said, warned, code } = await run({
    METRONOME_BEARER_TOKEN: fake.bearerToken,
    METRONOME_BASE_URL: fake.url,
    // What the SDK would print at this level has no place in a log.
    METRONOME_LOG: 'debug',
  })
  expect(JSON.parse(said)).toMatchObject({ metronome: { delivered: 1, pending: 0 } })
  expect(code).toBe(0)
  expect(fake.billed()).toMatchObject([
    { customer: 'cus_1', model: 'openai/gpt-5.4', tokenType: 'input', value: 3 },
    { customer: 'cus_1', model: 'openai/gpt-5.4', tokenType: 'output', value: 2 },
  ])
  expect(said + warned).not.toContain(fake.bearerToken)
  expect(warned).not.toContain('transaction_id')
})

test('a token that cannot be one is told and not shown, and usage waits', async () => {
  const { said, warned } = await run({ METRONOME_BEARER_TOKEN: 'two SECRETS', FLUSH_MS: '500' })
  expect(warned).toMatch(/config: metronomeSink: bearerToken has white space/)
  expect(said).toMatch(/FlushError.*1 for "metronome"/)
  expect(said + warned).not.toContain('SECRETS')
})
