import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startFakeOpenMeter } from '@token-meter/testkit'
import { expect, test } from 'vitest'

const script = fileURLToPath(new URL('zero-config-child.ts', import.meta.url))
const cwd = fileURLToPath(new URL('..', import.meta.url))

async function runWith(variables: Readonly<Record<string, string>>) {
  const env = { PATH: process.env['PATH'] ?? '', TOKEN_METER_OUTBOX: 'memory:', ...variables }
  return promisify(execFile)(process.execPath, [script], { cwd, env })
}

test.each([
  ['with a key', 'om_fake'],
  ['without one, self-hosted', null],
])('the environment alone is enough, %s', async (_, apiKey) => {
  await using fake = await startFakeOpenMeter({ apiKey })
  const { stdout } = await runWith({
    OPENMETER_URL: fake.url,
    ...(apiKey === null ? {} : { OPENMETER_API_KEY: apiKey }),
  })
  expect(JSON.parse(stdout)).toMatchObject({ openmeter: { delivered: 1, pending: 0 } })
  expect(fake.billed()).toEqual([
    { customer: 'cus_1', model: 'openai/gpt-5.4', tokenType: 'input', value: 3 },
  ])
})

test('a url that is none stops at once, and says what to set', async () => {
  const failing = runWith({ OPENMETER_URL: 'localhost:8888' })
  await expect(failing).rejects.toThrow(/ConfigError.*url must be an http\(s\) URL such as/s)
})
