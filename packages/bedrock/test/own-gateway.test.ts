import { afterEach, describe, expect, test, vi } from 'vitest'
import { readAll, startMetered } from './metered.ts'
import { sdkVersions } from './sdk-versions.ts'

afterEach(() => vi.unstubAllEnvs())

const headers = { 'x-token-meter-request-id': '01a2b3c4-0000-7000-8000-000000000000' }
const usage = { inputTokens: 12, outputTokens: 7, totalTokens: 19 }
const answer = {
  output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } },
  stopReason: 'end_turn',
  metrics: { latencyMs: 5 },
  usage,
}
const input = {
  modelId: 'us.amazon.nova-lite-v1:0',
  messages: [{ role: 'user' as const, content: [{ text: 'Hi' }] }],
}

describe.each(sdkVersions)('the SDK $version', ({ sdk }) => {
  test.each([
    ['that says so', headers, 0],
    ['that does not say so', {}, 1],
  ])('what a gateway of one’s own answers %s', async (_, said, count) => {
    await using started = await startMetered(sdk, { http: 1 })
    vi.stubEnv('TOKEN_METER_GATEWAY', started.server.url)
    started.server.serve({ json: answer, headers: said })
    await started.metered.converse(input)
    started.server.serve({
      events: [{ metadata: { usage, metrics: { latencyMs: 5 } } }],
      headers: said,
    })
    await readAll((await started.metered.converseStream(input)).stream)
    expect(started.records).toHaveLength(2 * count)
    expect(started.errors).toEqual([])
  })
})
