import { type HttpRequest, HttpResponse } from '@smithy/core/protocols'
import { describe, expect, test } from 'vitest'
import { readAll, startMetered } from './metered.ts'
import { clientConfig, sdkVersions } from './sdk-versions.ts'

const input = { modelId: 'us.amazon.nova-lite-v1:0', messages: [] }
const usage = { inputTokens: 12, outputTokens: 7, totalTokens: 19 }
const tokens = { input: 12, cachedInput: 0, cachedWrite: 0, output: 7 }
const message = { role: 'assistant', content: [{ text: 'Hello' }] }
const answer = { output: { message }, stopReason: 'end_turn', metrics: { latencyMs: 5 }, usage }
const begun = [
  { messageStart: { role: 'assistant' } },
  { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'Hello' } } },
]
const events = [
  ...begun,
  { messageStop: { stopReason: 'end_turn' } },
  { metadata: { usage, metrics: { latencyMs: 5 } } },
]
const throttled = {
  status: 429,
  json: { message: 'slow down' },
  headers: { 'x-amzn-errortype': 'ThrottlingException' },
}

describe.each(sdkVersions)('the SDK $version', ({ sdk }) => {
  test('sent by a metered fetch: one record, for the customer of the client', async () => {
    await using run = await startMetered(sdk, { http: 1 })
    const fetch = run.meter.fetch('cus_fetch')
    const requestHandler = {
      metadata: { handlerProtocol: 'http/1.1' },
      async handle({ method, headers, path, body }: HttpRequest) {
        const sent = await fetch(run.server.url + path, { method, headers, body: body as string })
        const { status: statusCode, body: answered } = sent
        const named = Object.fromEntries(sent.headers)
        return { response: new HttpResponse({ statusCode, headers: named, body: answered }) }
      },
    }
    const config = { ...clientConfig(run.server.url), requestHandler, maxAttempts: 2 }
    const client = run.meter(new sdk.BedrockRuntime(config as never), 'cus_client')
    run.server.serve({ json: answer }, throttled, { events }, { events: begun, after: 'cut' })
    await client.converse(input)
    await readAll((await client.converseStream(input)).stream)
    await readAll((await client.converseStream(input)).stream).catch(() => {})
    expect(run.records).toMatchObject([
      { customer: 'cus_client', tokens },
      { customer: 'cus_client', tokens },
      { customer: 'cus_client', outcome: 'estimated' },
    ])
    expect(run.errors).toEqual([])
  })
})
