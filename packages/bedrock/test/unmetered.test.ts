import dns from 'node:dns'
import { onTestFinished, test, expect } from 'vitest'
import { type UnmeteredHost, watchUnmetered } from '../src/index.ts'
import { startMetered } from './metered.ts'
import { clientConfig, http1Config, sdkVersions } from './sdk-versions.ts'

const modelId = 'anthropic.claude-3-haiku-20240307-v1:0'
const messages = [{ role: 'user' as const, content: [{ text: 'hi' }] }]
const json = {
  output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } },
  stopReason: 'end_turn',
  usage: { inputTokens: 5, outputTokens: 3, totalTokens: 8 },
  metrics: { latencyMs: 5 },
}

test.each(sdkVersions)('SDK $version: a client that was not wrapped is named', async ({ sdk }) => {
  const { lookup } = dns
  // The host is this one.
  dns.lookup = ((_: string, ...rest: [unknown, unknown]) =>
    Reflect.apply(lookup, dns, ['127.0.0.1', ...rest])) as typeof lookup
  onTestFinished(() => void (dns.lookup = lookup))
  for (const [http, config] of [
    [2, clientConfig],
    [1, http1Config],
  ] as const) {
    await using run = await startMetered(sdk, { http })
    const { port } = new URL(run.server.url)
    const host = `bedrock-runtime.us-east-1.amazonaws.com:${port}`
    const raw = new sdk.BedrockRuntime(config(`http://${host}`))
    run.server.serve({ json }, { json })
    const told: UnmeteredHost[] = []
    using _ = watchUnmetered((each) => void told.push(each))
    const command = () => new sdk.ConverseCommand({ modelId, messages })
    await run.meter(new sdk.BedrockRuntime(config(`http://${host}`)), 'cus_1').send(command())
    expect(told).toEqual([])
    await raw.send(command())
    expect(told).toMatchObject([{ host, provider: 'bedrock' }])
    raw.destroy()
  }
})
