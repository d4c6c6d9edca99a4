import { join } from 'node:path'
import { runZeroConfig, startFakeLago } from '@token-meter/testkit'
import { expect, test } from 'vitest'

const run = (environment: Record<string, string>) =>
  runZeroConfig(join(import.meta.dirname, '..'), environment)

test.each([
  [{}, '', 'llm_usage'],
  [{ LAGO_API_EVENT_CODE: 'ai_tokens' }, '/api/v1', 'ai_tokens'],
])('LAGO_API_KEY and LAGO_API_URL are all it needs (%j)', async (more, path, code) => {
  await using fake = await startFakeLago({ billableMetrics: [code] })
  const {
    said,
    warned,
    code: exitCode,
  } = await run({
    LAGO_API_KEY: fake.apiKey,
    LAGO_API_URL: fake.url + path,
    ...(more as Record<string, string>),
  })
  expect(JSON.parse(said)).toMatchObject({ lago: { delivered: 1, pending: 0 } })
  expect(exitCode).toBe(0)
  const row = { customer: 'cus_1', code, model: 'openai/gpt-5.4' }
  expect(fake.billed()).toEqual([
    { ...row, tokenType: 'input', value: 3 },
    { ...row, tokenType: 'output', value: 2 },
  ])
  expect(said + warned).not.toContain(fake.apiKey)
})

test('a key or an address that cannot be one is an error that names the fix', async () => {
  const { said } = await run({ LAGO_API_KEY: 'two SECRETS' })
  expect(said).toMatch(/ConfigError: lagoSink: apiKey has white space/)
  expect(said).not.toContain('SECRETS')
  const { said: wrongUrl } = await run({ LAGO_API_KEY: 'k', LAGO_API_URL: 'lago.local' })
  expect(wrongUrl).toMatch(/ConfigError: lagoSink: apiUrl must be a URL such as/)
})
