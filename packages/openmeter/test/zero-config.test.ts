import { join } from 'node:path'
import { startFakeOpenMeter } from '@token-meter/testkit'
import { runZeroConfig } from '@token-meter/testkit/internal'
import { expect, test } from 'vitest'

const run = (environment: Readonly<Record<string, string>>) =>
  runZeroConfig(join(import.meta.dirname, '..'), environment)

test.each([
  ['with a key', 'om_fake'],
  ['without one, self-hosted', null],
])('the environment alone is enough, %s', async (_, apiKey) => {
  await using fake = await startFakeOpenMeter({ apiKey })
  const { said } = await run({
    OPENMETER_URL: fake.url,
    ...(apiKey === null ? {} : { OPENMETER_API_KEY: apiKey }),
  })
  expect(JSON.parse(said)).toMatchObject({ openmeter: { delivered: 1, pending: 0 } })
  expect(fake.billed()).toEqual([
    { customer: 'cus_1', model: 'openai/gpt-5.4', tokenType: 'input', value: 3 },
    { customer: 'cus_1', model: 'openai/gpt-5.4', tokenType: 'output', value: 2 },
  ])
})

test('a url that is none is told with what to set, and usage waits', async () => {
  const { said, warned } = await run({ OPENMETER_URL: 'localhost:8888', FLUSH_MS: '500' })
  expect(said).toMatch(/FlushError.*1 for "openmeter"/)
  expect(warned).toMatch(/config: .*url must be an http\(s\) URL such as/s)
})
