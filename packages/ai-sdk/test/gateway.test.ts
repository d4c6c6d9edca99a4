import { createGateway } from 'ai'
import { createGateway as createGateway5 } from 'ai5'
import { createGateway as createGateway6 } from 'ai6'
import { describe, expect, test } from 'vitest'
import { modelSlug } from '../src/index.ts'
import { type Metered, startMetered, until } from './metered.ts'
import { callOptions } from './scripts.ts'
import { type SdkMajor, sdkMajors } from './sdk-majors.ts'

const gateways: Readonly<Record<string, typeof createGateway>> = {
  v2: createGateway5 as never,
  v3: createGateway6 as never,
  v4: createGateway,
}

const model = 'anthropic/claude-sonnet-4.6'
const raw = { input_tokens: 10, cache_read_input_tokens: 4, output_tokens: 7 }
const usages: Readonly<Record<string, object>> = {
  v2: { inputTokens: 14, outputTokens: 7, totalTokens: 21, cachedInputTokens: 4 },
  v3: { inputTokens: { total: 14, noCache: 10, cacheRead: 4 }, outputTokens: { total: 7 }, raw },
}
const tokens = { input: 10, cachedInput: 4, cachedWrite: 0, output: 7 }
const providerMetadata = {
  gateway: { cost: '0.0042', marketCost: '0.004', generationId: 'gen_1', routing: {} },
}

describe.each(sdkMajors)('the AI Gateway of ai $major', (sdk) => {
  const usage = usages[sdk.version] ?? usages['v3']
  const answer = {
    content: [{ type: 'text', text: 'hi' }],
    finishReason: sdk.version === 'v2' ? 'stop' : { unified: 'stop' },
    usage,
    providerMetadata,
    response: { modelId: 'claude-sonnet-4-6-20260101' },
    warnings: [],
  }
  const finish = { type: 'finish', usage, providerMetadata, finishReason: answer.finishReason }
  const gateway = (run: Metered, headers?: Record<string, string>) => gatewayOf(sdk, run, headers)

  test('keeps the slug, the price and the id of the call', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(answer)
    run.server.serve([{ type: 'text-delta', id: '0', delta: 'hi' }, finish])
    const metered = run.meter(gateway(run)(model), 'cus_1')
    await metered.doGenerate(callOptions)
    for await (const _ of (await metered.doStream(callOptions)).stream);
    const expected = {
      provider: 'vercel',
      model,
      tokens,
      details: { providerCostUsd: 0.0042, upstreamCostUsd: 0.004, gatewayCallId: 'gen_1' },
      outcome: 'complete',
    }
    expect(run.records).toMatchObject([expected, expected])
    const [record] = run.records
    // The usage object itself, with nothing added.
    expect(record?.raw).toEqual(sdk.version === 'v2' ? usage : raw)
    expect(modelSlug(record?.provider ?? '', record?.model ?? '')).toBe(model)
    expect(run.errors).toEqual([])
  })

  test('warns, once, where the gateway bills the customer as well', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(answer, { times: 4 })
    const billing = { 'stripe-customer-id': 'cus_1', 'stripe-restricted-access-key': 'rk_test' }
    const warnings = () => run.errors.filter(({ message }) => message.includes('billed twice'))
    const wrapped = run.meter(gateway(run, billing)(model), 'cus_1')
    await wrapped.doGenerate(callOptions)
    await until(() => warnings().length > 0, 'the warning')
    await wrapped.doGenerate(callOptions)

    await using other = await startMetered(sdk)
    other.server.serve(answer, { times: 2 })
    const perCall = other.meter(gateway(other)(model), 'cus_1')
    const options = { ...(callOptions as object), headers: billing } as never
    await perCall.doGenerate(options)
    await perCall.doGenerate(options)
    expect(warnings()).toHaveLength(1)
    expect(other.errors.filter(({ message }) => message.includes('billed twice'))).toHaveLength(1)
    expect(run.records).toHaveLength(2)
    expect(JSON.stringify(run.errors.map(({ message }) => message))).not.toContain('rk_test')
  })

  test('as the default provider: model ids are metered too', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(answer)
    const before = globalThis.AI_SDK_DEFAULT_PROVIDER
    globalThis.AI_SDK_DEFAULT_PROVIDER = run.meter(gateway(run), 'cus_1')
    try {
      await sdk.ai.generateText({ model, prompt: 'hi' })
    } finally {
      globalThis.AI_SDK_DEFAULT_PROVIDER = before
    }
    expect(run.records).toMatchObject([{ model, tokens }])
  })
})

function gatewayOf(
  { version }: SdkMajor,
  { server }: Metered,
  headers: Record<string, string> = {},
): ReturnType<typeof createGateway> {
  const create = gateways[version] ?? createGateway
  return create({ apiKey: 'k', baseURL: server.url, headers })
}
