import { afterEach, expect, test, vi } from 'vitest'
import { sdkMinors, startMetered } from './metered.ts'
import { answer, messages, model } from './scripts.ts'

afterEach(() => vi.unstubAllEnvs())

const headers = { 'x-token-meter-request-id': '01a2b3c4-0000-7000-8000-000000000000' }

test.each([
  ['that says so', headers, 0],
  ['that does not say so', {}, 1],
])('what a gateway of one’s own answers %s', async (_, said, count) => {
  await using started = await startMetered(sdkMinors.at(-1)!.Ollama)
  vi.stubEnv('TOKEN_METER_GATEWAY', started.server.url)
  started.server.serve(answer({}) as never, { headers: said })
  await started.metered.chat({ model, messages })
  expect(started.records).toHaveLength(count)
  expect(started.errors).toEqual([])
})
