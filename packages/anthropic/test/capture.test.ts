import { describe, expect, test } from 'vitest'
import { type Metered, startMetered, until } from './metered.ts'
import {
  countedDetails,
  countedTokens,
  message,
  messageScript,
  request,
  streamed,
  toolUseMessage,
  toolUseScript,
  usage,
  weatherTool,
} from './scripts.ts'
import { laterMajors, type SdkClass, type SdkClient, sdkMajors } from './sdk-majors.ts'

async function recordedOnce(run: Metered, times = 1) {
  await until(() => run.records.length >= times, 'the call is recorded')
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(run.records.map(({ tokens }) => tokens)).toEqual(Array(times).fill(countedTokens))
  expect(
    run.records.every(({ customer, outcome }) => customer === 'cus_1' && outcome === 'complete'),
  ).toBe(true)
  expect(run.errors).toEqual([])
}

type Make = (client: SdkClient) => Promise<unknown>

async function drain(stream: unknown): Promise<void> {
  for await (const _ of stream as AsyncIterable<unknown>);
}

const own = async (sent: unknown, next: (sent: unknown) => Promise<Response>) => await next(sent)
const ways: readonly { readonly way: string; readonly client: object }[] = [
  { way: 'as it comes', client: {} },
  { way: 'with middleware of its own', client: { middleware: [own] } },
]

describe.each(sdkMajors)('every call of @anthropic-ai/sdk $version', ({ version, Anthropic }) => {
  describe.each(ways)('of a client $way', ({ client }) => {
    const start = () => startMetered(Anthropic, { client })

    test('is recorded with all that decides its price', async () => {
      await using run = await start()
      run.server.serve(message)
      run.server.serve(messageScript)
      await run.metered.messages.create(request)
      await drain(await run.metered.messages.create(streamed))
      const record = {
        provider: 'anthropic',
        endpoint: 'messages',
        model: 'claude-sonnet-5-20260203',
        requestedModel: 'claude-sonnet-5',
        serviceTier: 'standard',
        details: countedDetails,
        raw: usage,
      }
      expect(run.records).toMatchObject([record, record])
    })

    test('that is retried by the SDK is recorded once', async () => {
      await using run = await startMetered(Anthropic, { client: { ...client, maxRetries: 2 } })
      const headers = { 'retry-after-ms': '1' }
      run.server.serve({ type: 'error', error: { message: 'busy' } }, { status: 529, headers })
      run.server.serve(message)
      await run.metered.messages.create(request)
      await recordedOnce(run)
    })

    test.each(['pause_turn', 'max_tokens'])('that stops with %s is billed', async (reason) => {
      await using run = await start()
      run.server.serve({ ...message, stop_reason: reason, content: [] })
      await run.metered.messages.create(request)
      await recordedOnce(run)
      expect(run.records[0]).not.toHaveProperty('unbilled')
    })

    test('that costs nothing is not recorded', async () => {
      await using run = await start()
      const path = '/count_tokens'
      run.server.serve({ input_tokens: 5 }, { path, times: 2 })
      await run.metered.messages.countTokens(request)
      await run.metered.beta.messages.countTokens(request)
      run.server.serve({ ...message, data: [] }, { times: 3 })
      await run.metered.models.list()
      await run.metered.models.retrieve('claude-sonnet-5')
      await run.metered.get('/v1/messages/msg_1')
      expect(run.records).toEqual([])
      expect(run.errors).toEqual([])
    })
  })

  test('a method that a subclass added', async () => {
    class AppClient extends Anthropic {
      async ask(): Promise<unknown> {
        return await this.messages.create(request)
      }
    }
    await using run = await startMetered(AppClient as SdkClass)
    run.server.serve(message)
    await (run.metered as AppClient).ask()
    await recordedOnce(run)
  })

  test.skipIf(version === 1)('legacy completions, which have no usage, are estimates', async () => {
    await using run = await startMetered(Anthropic)
    const completion = {
      type: 'completion',
      completion: 'Hello there, my friend',
      stop_reason: null,
      model: 'claude-2.1',
    }
    run.server.serve(completion)
    run.server.serve([completion, { ...completion, completion: '!', stop_reason: 'stop' }])
    const { completions } = run.metered as unknown as {
      completions: { create(request: object): Promise<unknown> }
    }
    const legacy = { model: 'claude-2', max_tokens_to_sample: 10, prompt: 'Human: say hello' }
    await completions.create(legacy)
    await drain(await completions.create({ ...legacy, stream: true }))
    const estimate = {
      endpoint: 'completions',
      model: 'claude-2.1',
      outcome: 'estimated',
      details: { estimated: ['input', 'output'] },
    }
    expect(run.records).toMatchObject([estimate, estimate])
    for (const { tokens } of run.records) {
      expect(tokens.input).toBeGreaterThan(3)
      expect(tokens.output).toBeGreaterThan(3)
    }
  })
})

describe.each(laterMajors)('helpers of @anthropic-ai/sdk $version', ({ version, Anthropic }) => {
  describe.each(ways)('of a client $way', ({ client }) => {
    const start = () => startMetered(Anthropic, { client })

    test.each<[string, Make]>([
      ['messages.parse', (metered) => metered.messages.parse(request)],
      ['beta.messages.parse', (metered) => metered.beta.messages.parse(request)],
    ])('%s', async (_, make) => {
      await using run = await start()
      run.server.serve(message)
      await make(run.metered)
      await recordedOnce(run)
    })

    test('beta.messages.toolRunner: one record per request', async () => {
      await using run = await start()
      run.server.serve(toolUseMessage)
      run.server.serve(message)
      const tools = [weatherTool]
      const final = await run.metered.beta.messages.toolRunner({ ...request, tools }).runUntilDone()
      expect(final.content).toEqual(message.content)
      await recordedOnce(run, 2)
    })

    test('beta.messages.toolRunner, streamed: one record per request', async () => {
      await using run = await start()
      run.server.serve(toolUseScript)
      run.server.serve(messageScript)
      const tools = [weatherTool]
      const runner = run.metered.beta.messages.toolRunner({ ...streamed, tools })
      const texts: unknown[] = []
      for await (const stream of runner) texts.push((await stream.finalMessage()).stop_reason)
      expect(texts).toEqual(['tool_use', 'end_turn'])
      await recordedOnce(run, 2)
    })

    test.skipIf(version !== 1)('beta.messages.thread: send, parse and stream', async () => {
      await using run = await start()
      run.server.serve(message, { times: 2 })
      run.server.serve(messageScript)
      const thread = run.metered.beta.messages.thread({ model: 'claude-x', max_tokens: 5 })
      const sent = await thread.send([{ role: 'user', content: 'hi' }]).withResponse()
      expect(sent.data.content).toEqual(message.content)
      await thread.parse([{ role: 'user', content: 'hi' }])
      const streamedReply = thread.stream([{ role: 'user', content: 'hi' }])
      expect((await streamedReply.finalMessage()).content).toEqual(message.content)
      await recordedOnce(run, 3)
    })
  })
})
