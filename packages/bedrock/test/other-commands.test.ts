import type { ConverseCommand } from '@aws-sdk/client-bedrock-runtime'
import { describe, expect, test } from 'vitest'
import { createBedrockProvider } from '../src/index.ts'
import { chunk } from './event-frames.ts'
import { readAll, startMetered } from './metered.ts'
import { sdkVersions } from './sdk-versions.ts'

const arn = 'arn:aws:bedrock:us-east-1:111122223333:async-invoke/a1'
const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }

describe.each(sdkVersions)('the SDK $version', ({ version, sdk }) => {
  /** As documented: each event has what the turn added, and the totals of the session. */
  const usageEvent = (speechIn: number, textIn: number, speechOut: number, textOut: number) => ({
    event: {
      usageEvent: {
        completionId: 'c1',
        promptName: 'p1',
        sessionId: 's1',
        details: {
          delta: { input: { speechTokens: 1, textTokens: 1 }, output: {} },
          total: {
            input: { speechTokens: speechIn, textTokens: textIn },
            output: { speechTokens: speechOut, textTokens: textOut },
          },
        },
        totalInputTokens: speechIn + textIn,
        totalOutputTokens: speechOut + textOut,
        totalTokens: speechIn + textIn + speechOut + textOut,
      },
    },
  })
  const session = async function* () {
    const bytes = new TextEncoder().encode(JSON.stringify({ event: { sessionStart: {} } }))
    yield { chunk: { bytes } }
  }

  test('a conversation of speech: the totals that were told last', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({
      events: [
        chunk({ event: { completionStart: {} } }),
        chunk(usageEvent(100, 20, 0, 5)),
        chunk({ event: { textOutput: { content: 'Hello' } } }),
        chunk(usageEvent(150, 20, 300, 40)),
      ],
    })
    const { body } = await run.metered.invokeModelWithBidirectionalStream({
      modelId: 'amazon.nova-sonic-v1:0',
      body: session(),
    })
    expect(await readAll(body)).toHaveLength(4)
    expect(run.records).toMatchObject([
      {
        endpoint: 'invokeModelWithBidirectionalStream',
        model: 'amazon.nova-sonic-v1:0',
        tokens: { ...none, input: 170, output: 340 },
        details: { audioInput: 150, audioOutput: 300 },
        outcome: 'complete',
        responseId: 's1',
        requests: null,
      },
    ])
    expect(run.errors).toEqual([])
  })

  test('a conversation that is left: what was told until then', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ events: [chunk(usageEvent(100, 20, 0, 5))], after: 'hang' })
    const { body } = await run.metered.invokeModelWithBidirectionalStream({
      modelId: 'amazon.nova-sonic-v1:0',
      body: session(),
    })
    for await (const _ of body ?? []) break
    expect(run.records).toMatchObject([
      {
        tokens: { ...none, input: 120, output: 5 },
        details: { audioInput: 100 },
        outcome: 'partial',
      },
    ])
    expect(run.errors).toEqual([])
  })

  test('guardrails: the units that are billed, of each policy', async () => {
    await using run = await startMetered(sdk)
    const usage = {
      topicPolicyUnits: 1,
      contentPolicyUnits: 1,
      wordPolicyUnits: 1,
      sensitiveInformationPolicyUnits: 2,
      sensitiveInformationPolicyFreeUnits: 1,
      contextualGroundingPolicyUnits: 4,
      contentPolicyImageUnits: 1,
    }
    run.server.serve({ json: { usage, action: 'NONE', outputs: [], assessments: [] } })
    await run.metered.applyGuardrail({
      guardrailIdentifier: 'arn:aws:bedrock:us-east-1:111122223333:guardrail/g1',
      guardrailVersion: 'DRAFT',
      source: 'INPUT',
      content: [{ text: { text: 'Hi' } }],
    })
    // 1 + 1 + 2 + 4 + 1
    expect(run.records).toMatchObject([
      {
        endpoint: 'guardrail',
        model: 'guardrail/g1:DRAFT',
        tokens: none,
        details: { guardrailUnits: 9 },
        outcome: 'complete',
        raw: usage,
      },
    ])
    expect(run.errors).toEqual([])
  })

  test.runIf(version !== '3.921')('checks without a guardrail', async () => {
    await using run = await startMetered(sdk)
    const usage = { contentFilter: { textUnits: 2 }, promptAttack: { textUnits: 1 } }
    run.server.serve({ json: { results: {}, usage } })
    await run.metered.invokeGuardrailChecks({ messages: [], checks: {} } as never)
    expect(run.records).toMatchObject([
      { model: 'guardrail-checks', details: { guardrailUnits: 3 }, tokens: none },
    ])
  })

  test('what is free has no record, and is never refused', async () => {
    await using run = await startMetered(sdk, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    const submitTime = '2026-11-01T12:00:00Z'
    const outputDataConfig = { s3OutputDataConfig: { s3Uri: 's3://bucket' } }
    const job = {
      invocationArn: arn,
      modelArn: 'm',
      submitTime,
      status: 'Completed',
      outputDataConfig,
    }
    run.server.serve(
      { json: { inputTokens: 12 } },
      { json: job },
      { json: { asyncInvokeSummaries: [job], nextToken: 'next' } },
      { json: { asyncInvokeSummaries: [job] } },
    )
    const input = { converse: { messages: [] } }
    expect(await run.metered.countTokens({ modelId: 'm', input })).toMatchObject({
      inputTokens: 12,
    })
    await run.metered.getAsyncInvoke({ invocationArn: arn })
    const pages = sdk.paginateListAsyncInvokes({ client: run.metered }, {})
    expect(await readAll(pages)).toHaveLength(2)
    expect(run.records).toEqual([])
    expect(run.errors).toEqual([])
  })

  test('asynchronous invocations are told not to be metered, once', async () => {
    await using run = await startMetered(sdk)
    const ask = () =>
      run.metered.startAsyncInvoke({
        modelId: 'amazon.nova-reel-v1:0',
        modelInput: {},
        outputDataConfig: { s3OutputDataConfig: { s3Uri: 's3://bucket' } },
      })
    for (let time = 0; time < 2; time++) {
      run.server.serve({ json: { invocationArn: arn } })
      await ask()
    }
    expect(run.records).toEqual([])
    // Once in a process: the other version may have been first.
    expect(run.errors.length).toBeLessThanOrEqual(1)
    for (const { message } of run.errors)
      expect(message).toMatch(/asynchronous invocations work, but are not metered/)
  })

  /** What a later SDK would say of a command of its own. */
  function named<Command extends object>(command: Command, commandName: string): Command {
    const unknown = command as ConverseCommand
    const given = unknown.resolveMiddleware
    unknown.resolveMiddleware = ((stack, config, options) => {
      const named = {
        ...stack,
        concat: (from: never) => {
          const all = stack.concat(from)
          const own = all.resolve.bind(all)
          all.resolve = (handler, context) => own(handler, { ...context, commandName })
          return all
        },
      }
      return given.call(unknown, named as never, config, options)
    }) as typeof given
    return command
  }

  test('a command that nobody here knows is told where its answer has usage', async () => {
    await using run = await startMetered(sdk)
    const name = `Dream${version.replace('.', '')}`
    const unknown = named(new sdk.ConverseCommand({ modelId: 'm', messages: [] }), `${name}Command`)
    const usage = { inputTokens: 3, outputTokens: 4, totalTokens: 7 }
    run.server.serve({ json: { usage } }, { json: { usage } })
    await run.metered.send(unknown)
    await run.metered.send(unknown)
    expect(run.records).toEqual([])
    expect(run.errors.map(({ message }) => message)).toEqual([
      expect.stringContaining(`${name}Command answered usage and is not metered`),
    ])
  })

  test('so it is where it answers a stream, or counts in its headers', async () => {
    await using run = await startMetered(sdk)
    const name = `Dream${version.replace('.', '')}`
    const input = { modelId: 'm', messages: [] }
    const streamed = named(new sdk.ConverseStreamCommand(input), `${name}StreamCommand`)
    const body = named(
      new sdk.InvokeModelCommand({ modelId: 'm', body: '{}' }),
      `${name}BodyCommand`,
    )
    const headers = { 'x-amzn-bedrock-input-token-count': '3' }
    run.server.serve({ events: [{ messageStart: { role: 'assistant' } }] }, { json: {}, headers })
    expect(await readAll((await run.metered.send(streamed)).stream)).toHaveLength(1)
    await run.metered.send(body)
    expect(run.records).toEqual([])
    expect(run.errors.map(({ message }) => message)).toEqual([
      expect.stringContaining(`${name}StreamCommand answered a stream and is not metered`),
      expect.stringContaining(`${name}BodyCommand answered usage and is not metered`),
    ])
  })
})

describe.each(sdkVersions)(
  'the customer in the metadata, by the SDK $version',
  ({ version, sdk }) => {
    const answer = {
      output: { message: { role: 'assistant', content: [] } },
      stopReason: 'end_turn',
    }
    const input = { modelId: 'm', messages: [] }
    const provide = { requestMetadata: 'customer' }

    async function sent(
      customer: string,
      metadata?: Record<string, string>,
      options: object = provide,
    ) {
      await using run = await startMetered(sdk, { customer, provide: options })
      run.server.serve({
        json: { ...answer, usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 } },
      })
      const given = metadata === undefined ? input : { ...input, requestMetadata: metadata }
      const before = structuredClone(given)
      await run.metered.converse(given)
      expect(given).toEqual(before)
      expect(run.records).toMatchObject([{ customer }])
      expect(run.errors).toEqual([])
      return (JSON.parse(run.server.requests[0]?.body ?? '') as Record<string, unknown>)[
        'requestMetadata'
      ]
    }

    test('only where it is asked for', async () => {
      expect(await sent('cus_1', undefined, {})).toBeUndefined()
      expect(await sent('cus_1')).toEqual({ customer: 'cus_1' })
    })

    test("the caller's own stays", async () => {
      expect(await sent('cus_1', { team: 'a' })).toEqual({ team: 'a', customer: 'cus_1' })
      expect(await sent('cus_1', { customer: 'mine' })).toEqual({ customer: 'mine' })
    })

    test('what AWS would refuse is not sent', async () => {
      expect(await sent('cus_1<script>')).toBeUndefined()
      expect(await sent('x'.repeat(257))).toBeUndefined()
      const full = Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`k${at}`, 'v']))
      expect(await sent('cus_1', full)).toEqual(full)
    })

    test('a name that AWS would refuse is refused when the provider is made', () => {
      for (const requestMetadata of ['customer!', '', 'x'.repeat(257)]) {
        expect(() => createBedrockProvider({ requestMetadata })).toThrow(/requestMetadata/)
      }
      createBedrockProvider({ requestMetadata: 'app:customer-id' })
    })

    test.runIf(version !== '3.921')('InvokeModel has it in a header', async () => {
      await using run = await startMetered(sdk, { provide })
      const reply = { json: { generation: 'Hi', prompt_token_count: 1, generation_token_count: 1 } }
      run.server.serve(reply, reply)
      await run.metered.invokeModel({ modelId: 'm', body: '{}' })
      await run.metered.invokeModel({ modelId: 'm', body: '{}', requestMetadata: '{"team":"a"}' })
      const headers = run.server.requests.map((request) =>
        JSON.parse(String(request.headers['x-amzn-bedrock-request-metadata'])),
      )
      expect(headers).toEqual([{ customer: 'cus_1' }, { team: 'a', customer: 'cus_1' }])
    })
  },
)
