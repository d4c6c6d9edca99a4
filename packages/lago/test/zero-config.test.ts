import { join } from 'node:path'
import { startFakeLago } from '@token-meter/testkit'
import { runZeroConfig } from '@token-meter/testkit/internal'
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

test.each([
  [{ LAGO_API_KEY: 'two SECRETS' }, /config: lagoSink: apiKey has white space/],
  [
    { LAGO_API_KEY: 'k', LAGO_API_URL: 'lago.local' },
    /config: lagoSink: apiUrl must be a URL such as/,
  ],
])(
  'what cannot be a key or an address is told with the fix, and usage waits: %j',
  async (env, why) => {
    const { said, warned } = await run({ FLUSH_MS: '500', ...(env as Record<string, string>) })
    expect(warned).toMatch(why)
    expect(said).toMatch(/FlushError.*1 for "lago"/)
    expect(said + warned).not.toContain('SECRETS')
  },
)
