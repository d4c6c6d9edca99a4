import { RefusedError, refuses, watchedOutbox } from '@token-meter/testkit/internal'
import { describe, expect, test } from 'vitest'
import { createMeter, openaiProvider } from '../src/index.ts'
import { startGuarded as start } from './guarded.ts'
import { until } from './metered.ts'
import { chatCompletion, chatRequest, chatScript } from './scripts.ts'
import { type SdkClass, sdkMajors } from './sdk-majors.ts'

const request = chatRequest as { model: string; messages: [] }

/** The refusal that a promise comes to, which helpers of the SDK may have their own error around. */
async function refusalOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (thrown) {
    let error: unknown = thrown
    while (error instanceof Error && !(error instanceof RefusedError)) error = error.cause
    return error
  }
  return undefined
}

/** Long enough for a hold to be asked to grow. */
const longScript = [
  ...Array.from({ length: 60 }, () => ({
    ...chatScript[0],
    choices: [{ index: 0, delta: { content: 'five words of plain text ' }, finish_reason: null }],
  })),
  { ...chatScript[0], choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
]

describe.each(sdkMajors)('guarded calls on openai $major', ({ OpenAI }) => {
  test.each([
    ['parse', (client) => client.chat.completions.parse(request)],
    [
      'runTools',
      (client) => client.chat.completions.runTools({ ...request, tools: [] }).finalContent(),
    ],
    ['stream', (client) => client.chat.completions.stream(request).finalChatCompletion()],
    [
      'responses.stream',
      (client) => client.responses.stream({ model: 'gpt-5.4', input: 'hi' }).finalResponse(),
    ],
    ['responses.parse', (client) => client.responses.parse({ model: 'gpt-5.4', input: 'hi' })],
  ] as [string, (client: InstanceType<SdkClass>) => unknown][])(
    'a helper fails as it does on an error of the API: %s',
    async (_, call) => {
      await using run = await start(OpenAI, refuses)
      expect(await refusalOf(() => call(run.metered))).toBeInstanceOf(RefusedError)
      expect(run.server.requests).toEqual([])
    },
  )

  test('the retries of the SDK are one call under one hold', async () => {
    await using run = await start(OpenAI, undefined, { maxRetries: 2 })
    run.server.serve(
      { error: { message: 'busy' } },
      { status: 500, headers: { 'retry-after-ms': '1' } },
    )
    run.server.serve(chatCompletion)
    await run.metered.chat.completions.create(request)
    expect(run.server.requests).toHaveLength(2)
    expect(run.guard.asked).toHaveLength(1)
    expect(run.outbox.appends).toEqual([{ records: 1, holdIds: ['hold_1'] }])
    expect(run.guard.ends).toEqual([['settled']])
  })

  test('a refusal that nobody waits for is unhandled, as an error of the API is', async () => {
    await using run = await start(OpenAI, refuses)
    const seen: unknown[] = []
    const listeners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    const see = (reason: unknown): void => void seen.push(reason)
    process.on('unhandledRejection', see)
    try {
      void run.metered.chat.completions.create(request)
      await until(() => seen.length > 0, 'it is unhandled')
      await new Promise((resolve) => setTimeout(resolve, 5))
    } finally {
      process.off('unhandledRejection', see)
      for (const listener of listeners) process.on('unhandledRejection', listener)
    }
    expect(seen).toHaveLength(1)
    expect(seen[0]).toBeInstanceOf(RefusedError)
  })

  test('a request that the SDK itself cannot make gives back what is held', async () => {
    await using run = await start(OpenAI)
    const broken = {
      ...request,
      get messages(): [] {
        throw new Error('no such draft')
      },
    }
    await expect(run.metered.chat.completions.create(broken)).rejects.toThrow()
    await until(() => run.guard.ends[0]?.length !== 0, 'it is given back')
    expect(run.guard.ends).toEqual([['released']])
  })

  test.each([
    [
      'reads its events',
      async (client) => {
        for await (const _ of await client.chat.completions.create({ ...request, stream: true })) {
        }
      },
    ],
    [
      'reads it as a ReadableStream',
      async (client) => {
        const stream = await client.chat.completions.create({ ...request, stream: true })
        const reader = stream.toReadableStream().getReader()
        while (!(await reader.read()).done);
      },
    ],
    [
      'reads its response',
      async (client) => {
        const sent = client.chat.completions.create({ ...request, stream: true })
        const reader = (await sent.asResponse()).body?.getReader()
        while (!(await reader?.read())?.done);
      },
    ],
    [
      'uses the helper',
      async (client) => {
        await client.chat.completions.stream(request).finalContent()
      },
    ],
  ] as [string, (client: InstanceType<SdkClass>) => Promise<void>][])(
    'a stream whose hold may not grow ends with the refusal, for a caller that %s',
    async (_, read) => {
      for (const isAsync of [false, true]) {
        await using run = await start(OpenAI)
        run.guard.progress = (tokens) => {
          if (tokens < 130) return undefined
          if (isAsync) return Promise.reject(new RefusedError())
          throw new RefusedError()
        }
        run.server.serve(longScript, { gapMs: 2 })
        expect(await refusalOf(() => read(run.metered))).toBeInstanceOf(RefusedError)
        await until(() => run.records.length === 1, 'it is recorded')
        expect(run.records).toMatchObject([{ outcome: 'estimated' }])
        expect(run.records[0]?.tokens.output).toBeGreaterThan(120)
        expect(run.records[0]?.tokens.output).toBeLessThan(260)
        expect(run.guard.ends).toEqual([['settled']])
        expect(run.outbox.appends).toEqual([{ records: 1, holdIds: ['hold_1'] }])
        expect(run.guard.holds[0]?.seen.length).toBeLessThan(4)
        await run.server.requests[0]?.closed
        expect(run.server.requests[0]?.closedEarly).toBe(true)
        expect(run.errors).toEqual([])
      }
    },
  )

  test('a stream whose hold may grow goes on to its end', async () => {
    await using run = await start(OpenAI)
    run.guard.progress = () => Promise.resolve()
    run.server.serve(longScript)
    let events = 0
    const stream = await run.metered.chat.completions.create({ ...request, stream: true })
    for await (const _ of stream) events++
    expect(events).toBe(longScript.length)
    expect(run.guard.holds[0]?.seen.length).toBeGreaterThan(1)
    expect(run.guard.ends).toEqual([['settled']])
  })
})

describe.each(sdkMajors)('meter.fetch under a guard, for openai $major', ({ OpenAI }) => {
  test('answers a refusal, of which the SDK makes an error of its own, without another try', async () => {
    await using run = await start(OpenAI, refuses)
    const fetch = run.meter.fetch('cus_1', { onRefused: 'respond' })
    const client = run.newClient({ fetch, maxRetries: 2 })
    const refused = await client.chat.completions.create(request).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(OpenAI.APIError)
    expect(refused).toMatchObject({
      status: 402,
      code: 'insufficient_credits',
      type: 'insufficient_credits',
    })
    expect(JSON.stringify((refused as { error: unknown }).error)).not.toContain('cus_1')
    expect(run.guard.asked).toHaveLength(1)
    expect(run.server.requests).toEqual([])
  })

  test('holds for a call that is metered around it too only once', async () => {
    await using run = await start(OpenAI)
    run.server.serve(chatCompletion)
    const client = run.newClient({ fetch: run.meter.fetch('cus_inner') })
    await run.meter(client, 'cus_1').chat.completions.create(request)
    expect(run.guard.asked.map(({ customer }) => customer)).toEqual(['cus_1'])
    expect(run.outbox.appends).toEqual([{ records: 1, holdIds: ['hold_1'] }])
    expect(run.guard.ends).toEqual([['settled']])
  })
})

describe('meter.fetch under a guard', () => {
  const [{ OpenAI }] = sdkMajors.slice(-1) as [(typeof sdkMajors)[number]]
  const init = { method: 'POST', body: JSON.stringify(chatRequest) }

  test('rejects with the refusal, and sends nothing', async () => {
    await using run = await start(OpenAI, () => Promise.reject(new RefusedError()))
    const fetch = run.meter.fetch('cus_1', { pools: ['team_7'] })
    await expect(fetch(`${run.server.url}/v1/chat/completions`, init)).rejects.toThrow(RefusedError)
    expect(run.server.requests).toEqual([])
    expect(run.guard.asked).toMatchObject([{ customer: 'cus_1', pools: ['team_7'] }])
  })

  test('never refuses what may be no call of a model', async () => {
    await using run = await start(OpenAI, refuses)
    run.server.serve({ id: 'form_1' }, { times: 3 })
    const fetch = run.meter.fetch('cus_1')
    const url = `${run.server.url}/v1/responses`
    await fetch(url, { method: 'POST', body: JSON.stringify({ input: 'of a form' }) })
    await fetch(url, { method: 'POST', body: new Blob(['{}']) })
    await fetch(`${run.server.url}/v1/models`)
    expect(run.server.requests).toHaveLength(3)
    expect(run.guard.asked).toEqual([])
  })

  test('gives back what was held for an answer that no model made', async () => {
    await using run = await start(OpenAI)
    run.server.serve({ id: 'form_1' })
    const body = JSON.stringify({ input: 'of a form', model: 'of a car' })
    const answer = await run.meter.fetch('cus_1')(`${run.server.url}/v1/responses`, {
      method: 'POST',
      body,
    })
    expect(await answer.json()).toEqual({ id: 'form_1' })
    expect(run.guard.ends).toEqual([['released']])
    expect(run.records).toEqual([])
  })

  test('settles, gives back, and leaves to the lease what the connection lost', async () => {
    await using run = await start(OpenAI)
    const fetch = run.meter.fetch('cus_1')
    const url = `${run.server.url}/v1/chat/completions`
    run.server.serve(chatCompletion)
    await (await fetch(url, init)).json()
    run.server.serve({ error: { message: 'no' } }, { status: 429 })
    await fetch(url, init)
    run.server.serve(chatCompletion, { cutAfterEvents: 0 })
    await expect(fetch(url, init)).rejects.toThrow()
    await expect(fetch(url, { ...init, signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
    expect(run.guard.ends).toEqual([['settled'], ['released'], ['lost'], ['released']])
  })

  test('a stream whose hold may not grow ends with the refusal', async () => {
    await using run = await start(OpenAI)
    run.guard.progress = () => Promise.reject(new RefusedError())
    run.server.serve(longScript, { gapMs: 2 })
    const body = JSON.stringify({ ...chatRequest, stream: true })
    const response = await run.meter.fetch('cus_1')(`${run.server.url}/v1/chat/completions`, {
      ...init,
      body,
    })
    const reader = response.body?.getReader()
    await expect(async () => {
      while (!(await reader?.read())?.done);
    }).rejects.toThrow(RefusedError)
    expect(run.records).toHaveLength(1)
    expect(run.guard.ends).toEqual([['settled']])
  })

  test('is checked: how it refuses, and pools without a guard', () => {
    const meter = createMeter({ providers: [openaiProvider], outbox: watchedOutbox() })
    expect(() => meter.fetch('cus_1', { onRefused: 'reply' as never })).toThrow(/onRefused/)
    expect(() => meter.fetch('cus_1', { pools: ['team_7'] })).toThrow(/without a guard/)
    expect(() => createMeter({ providers: [], guard: {} as never })).toThrow(/guard/)
  })
})
