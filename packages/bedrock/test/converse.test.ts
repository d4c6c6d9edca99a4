import type { Message } from '@aws-sdk/client-bedrock-runtime'
import { describe, expect, test } from 'vitest'
import { readAll, startMetered } from './metered.ts'
import { sdkVersions } from './sdk-versions.ts'

const modelId = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const messages: Message[] = [{ role: 'user', content: [{ text: 'Hi' }] }]
const usage = { inputTokens: 12, outputTokens: 7, totalTokens: 19 }
const tokens = { input: 12, cachedInput: 0, cachedWrite: 0, output: 7 }
const answerOf = (given: object, more: object = {}) => ({
  output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } },
  stopReason: 'end_turn',
  metrics: { latencyMs: 5 },
  usage: given,
  ...more,
})
const eventsOf = (given: object, more: object = {}) => [
  { messageStart: { role: 'assistant' } },
  { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'Hello' } } },
  { contentBlockStop: { contentBlockIndex: 0 } },
  { messageStop: { stopReason: 'end_turn' } },
  { metadata: { usage: given, metrics: { latencyMs: 5 }, ...more } },
]

describe.each(sdkVersions)('Converse by the SDK $version', ({ version, sdk }) => {
  const { ConverseCommand, ConverseStreamCommand } = sdk

  test('over HTTP/2: one record, with the ids and the model', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ json: answerOf(usage) })
    const answer = await run.metered.send(new ConverseCommand({ modelId, messages }))
    expect(answer.output?.message?.content?.[0]?.text).toBe('Hello')
    expect(run.server.requests[0]).toMatchObject({
      httpVersion: '2.0',
      url: `/model/${encodeURIComponent(modelId)}/converse`,
    })
    expect(run.records).toMatchObject([
      {
        customer: 'cus_1',
        provider: 'bedrock',
        endpoint: 'converse',
        model: modelId,
        requestedModel: modelId,
        tokens,
        outcome: 'complete',
        requestId: 'aws-request-1',
        raw: usage,
      },
    ])
    expect(run.records[0]).not.toHaveProperty('requests')
    expect(run.errors).toEqual([])
  })

  test('streamed over HTTP/2: one record', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ events: eventsOf(usage) })
    const { stream } = await run.metered.send(new ConverseStreamCommand({ modelId, messages }))
    expect(await readAll(stream)).toHaveLength(5)
    expect(run.records).toMatchObject([{ endpoint: 'converse', tokens, outcome: 'complete' }])
    expect(run.errors).toEqual([])
  })

  // From AWS's documentation of prompt caching: the input of 3 is what is behind the cached prefix.
  const cached = {
    inputTokens: 3,
    outputTokens: 44,
    totalTokens: 25_084,
    cacheReadInputTokens: 0,
    cacheWriteInputTokens: 25_037,
    cacheDetails: [
      { ttl: '1h', inputTokens: 25_000 },
      { ttl: '5m', inputTokens: 37 },
    ],
  }
  test('what was written to the cache stands beside the input, by its lifetime', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ json: answerOf(cached) }, { events: eventsOf(cached) })
    await run.metered.converse({ modelId, messages })
    await readAll((await run.metered.converseStream({ modelId, messages })).stream)
    const counted = { input: 3, cachedInput: 0, cachedWrite: 25_037, output: 44 }
    for (const record of run.records) {
      expect(record).toMatchObject({ tokens: counted })
      expect(record.details).toEqual({ cachedWrite5m: 37, cachedWrite1h: 25_000 })
    }
    expect(run.records).toHaveLength(2)
    expect(run.errors).toEqual([])
  })

  // The SDK of the year before knows neither field of an answer, and leaves them out.
  test.runIf(version !== '3.921')(
    'the tier that served, and latency that is optimised',
    async () => {
      await using run = await startMetered(sdk)
      const more = { serviceTier: { type: 'flex' }, performanceConfig: { latency: 'optimized' } }
      run.server.serve({ json: answerOf(usage, more) }, { events: eventsOf(usage, more) })
      run.server.serve({ json: answerOf(usage, { performanceConfig: { latency: 'standard' } }) })
      await run.metered.converse({ modelId, messages, serviceTier: { type: 'priority' } })
      await readAll((await run.metered.converseStream({ modelId, messages })).stream)
      await run.metered.converse({ modelId, messages })
      expect(run.records.map(({ serviceTier, details }) => [serviceTier, details])).toEqual([
        ['flex', { speed: 'optimized' }],
        ['flex', { speed: 'optimized' }],
        [null, {}],
      ])
    },
  )

  test('a prompt router: the model that answered', async () => {
    await using run = await startMetered(sdk)
    const router = 'arn:aws:bedrock:us-east-1:111122223333:default-prompt-router/anthropic.claude:1'
    const chosen =
      'arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.claude-3-5-haiku-20241022-v1:0'
    const trace = { promptRouter: { invokedModelId: chosen } }
    run.server.serve({ json: answerOf(usage, { trace }) }, { events: eventsOf(usage, { trace }) })
    await run.metered.converse({ modelId: router, messages })
    await readAll((await run.metered.converseStream({ modelId: router, messages })).stream)
    const model = 'us.anthropic.claude-3-5-haiku-20241022-v1:0'
    expect(run.records).toMatchObject([
      { model, requestedModel: router },
      { model, requestedModel: router },
    ])
  })

  test.each([
    ['arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0', 'amazon.nova-lite-v1:0'],
    [
      'arn:aws-us-gov:bedrock:us-gov-west-1:1:inference-profile/us-gov.anthropic.claude-3-haiku-20240307-v1:0',
      'us-gov.anthropic.claude-3-haiku-20240307-v1:0',
    ],
    [
      'global.anthropic.claude-opus-4-5-20251101-v1:0',
      'global.anthropic.claude-opus-4-5-20251101-v1:0',
    ],
    [
      'arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3',
      'application-inference-profile/a1b2c3',
    ],
    ['arn:aws:bedrock:us-east-1:111122223333:provisioned-model/xyz', 'provisioned-model/xyz'],
    [
      'arn:aws:bedrock:us-east-1:111122223333:custom-model-deployment/d1',
      'custom-model-deployment/d1',
    ],
    ['arn:aws:bedrock:us-east-1:111122223333:imported-model/i1', 'imported-model/i1'],
    ['arn:aws:bedrock:us-east-1:111122223333:prompt/P12345:1', 'prompt/P12345:1'],
    ['arn:aws:sagemaker:us-east-1:111122223333:endpoint/mine', 'endpoint/mine'],
  ])('%s is %s', async (id, model) => {
    await using run = await startMetered(sdk)
    run.server.serve({ json: answerOf(usage) })
    await run.metered.converse({ modelId: id, messages })
    expect(run.records).toMatchObject([{ model, requestedModel: id, tokens }])
  })

  test('what is behind an id that names no model can be said', async () => {
    const profile = 'arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1'
    await using run = await startMetered(sdk, { provide: { models: { [profile]: modelId } } })
    run.server.serve(
      { json: answerOf(usage) },
      { events: eventsOf(usage) },
      { json: answerOf(usage) },
    )
    await run.metered.converse({ modelId: profile, messages })
    await readAll((await run.metered.converseStream({ modelId: profile, messages })).stream)
    await run.metered.converse({ modelId: 'us.amazon.nova-lite-v1:0', messages })
    expect(run.records).toMatchObject([
      { model: modelId, requestedModel: profile, tokens },
      { model: modelId, requestedModel: profile, tokens },
      { model: 'us.amazon.nova-lite-v1:0' },
    ])
  })

  test('a guardrail that refuses the prompt: no tokens, no estimate; its units where they are told', async () => {
    await using run = await startMetered(sdk)
    const zeros = { inputTokens: 0, outputTokens: 0, totalTokens: 0 }
    const units = {
      topicPolicyUnits: 1,
      contentPolicyUnits: 2,
      wordPolicyUnits: 2,
      sensitiveInformationPolicyUnits: 3,
      sensitiveInformationPolicyFreeUnits: 3,
      contextualGroundingPolicyUnits: 0,
    }
    const trace = {
      guardrail: { inputAssessment: { g1: { invocationMetrics: { usage: units } } } },
    }
    const refused = { stopReason: 'guardrail_intervened' }
    const stopped = [
      { messageStart: { role: 'assistant' } },
      { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'I cannot say that.' } } },
      { messageStop: { stopReason: 'guardrail_intervened' } },
    ]
    run.server.serve(
      { json: answerOf(zeros, refused) },
      { events: [...stopped, { metadata: { usage: zeros, metrics: { latencyMs: 1 } } }] },
      { json: answerOf(zeros, { ...refused, trace }) },
      { events: [...stopped, { metadata: { usage: zeros, metrics: { latencyMs: 1 }, trace } }] },
    )
    await run.metered.converse({ modelId, messages })
    await readAll((await run.metered.converseStream({ modelId, messages })).stream)
    expect(run.records).toEqual([])
    await run.metered.converse({ modelId, messages })
    await readAll((await run.metered.converseStream({ modelId, messages })).stream)
    // 1 + 2 + 3: words and regular expressions are free.
    const told = {
      details: { guardrailUnits: 6 },
      outcome: 'complete',
      tokens: { input: 0, output: 0 },
    }
    expect(run.records).toMatchObject([told, told])
    expect(run.errors).toEqual([])
  })
})
