import { describe, expect, test, vi } from 'vitest'
import { startMetered, until } from './metered.ts'
import {
  chatCompletion,
  chatRequest,
  chatScript,
  countedTokens,
  embeddingList,
  finishedResponse,
  responseScript,
  toolCallCompletion,
} from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

/**
 * Bugs that other instrumentations of the SDK have had in the open. Those that need more than a few
 * lines are elsewhere: bundles (braintrust#1623) in bundle.test.ts, refused stream_options
 * (OmniRoute#1836, opencode#31156) in usage-request.test.ts, memory of abandoned streams
 * (stripe/ai#509) in memory.test.ts, broken streams (openllmetry#3151) in interruption.test.ts.
 */
describe.each(sdkMajors)('bugs of others, on openai $major', ({ OpenAI }) => {
  const start = () => startMetered(OpenAI)
  const streamed = { ...chatRequest, stream: true } as const

  test('openai-node#1590: no private member is read through a proxy', async () => {
    await using run = await start()
    run.server.serve(embeddingList)
    run.server.serve({ data: [] })
    await run.metered.embeddings.create({ model: 'm', input: 'x', encoding_format: 'float' })
    await run.metered.get('/models')
    expect(run.metered.buildURL('/x', null)).toContain('/x')
    expect(run.records).toHaveLength(1)
  })

  test('sentry#19073: withResponse keeps data, response and id, for whole and streamed', async () => {
    await using run = await start()
    run.server.serve(chatCompletion)
    run.server.serve(chatScript)
    const whole = await run.metered.chat.completions.create(chatRequest).withResponse()
    const stream = await run.metered.chat.completions.create(streamed).withResponse()
    for await (const _ of stream.data);
    expect([whole.request_id, stream.request_id]).toEqual(['req_1', 'req_2'])
    expect(run.records.map(({ tokens }) => tokens)).toEqual([countedTokens, countedTokens])
  })

  test('opentelemetry-js-contrib#3586, openinference#1795: the body is read once, _thenUnwrap stays', async () => {
    await using run = await start()
    run.server.serve(chatCompletion, { times: 2 })
    const promise = run.metered.chat.completions.create(chatRequest)
    const { _thenUnwrap: unwrap } = promise as unknown as {
      _thenUnwrap(transform: (data: object) => unknown): Promise<unknown>
    }
    expect(await unwrap.call(promise, (data) => Object.keys(data).length)).toBe(6)
    const response = await run.metered.chat.completions.create(chatRequest).asResponse()
    expect(await response.json()).toEqual(chatCompletion)
    expect(run.records).toHaveLength(2)
  })

  test('dd-trace#9951: page promises keep their pages', async () => {
    await using run = await start()
    run.server.serve({ object: 'list', data: [{ id: 'a' }, { id: 'b' }] }, { times: 2 })
    const ids: string[] = []
    for await (const { id } of run.metered.models.list()) ids.push(id)
    let pages = 0
    for await (const _ of (await run.metered.models.list()).iterPages()) pages++
    expect([ids, pages]).toEqual([['a', 'b'], 1])
    expect(run.records).toEqual([])
  })

  test('braintrust#905: a rejection that is caught is not unhandled', async () => {
    await using run = await start()
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    run.server.serve({ error: { message: 'no' } }, { status: 401, times: 2 })
    const caught = vi.fn()
    await run.metered.chat.completions.create(chatRequest).catch(caught)
    await run.metered.responses.create({ model: 'm', input: 'x' }).catch(caught)
    await new Promise((resolve) => setTimeout(resolve, 20))
    process.off('unhandledRejection', unhandled)
    expect(caught).toHaveBeenCalledTimes(2)
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('posthog-js#3583: nothing of the meter reaches the provider', async () => {
    await using run = await startMetered(OpenAI, { attributes: { feature: 'secret-feature' } })
    run.server.serve(chatScript)
    run.server.serve(toolCallCompletion)
    for await (const _ of await run.metered.chat.completions.create(streamed));
    await run.metered.chat.completions.create(chatRequest)
    const sent = JSON.stringify(
      run.server.requests.map(({ headers, rawBody }) => [headers, rawBody]),
    )
    expect(sent).not.toMatch(/cus_1|secret-feature|token-meter/)
  })

  test('langfuse#4033: a runner comes back at once, and is a runner', async () => {
    await using run = await start()
    run.server.serve(chatScript)
    const { beta } = run.metered as unknown as { beta: { chat?: typeof run.metered.chat } }
    const { completions } = beta.chat ?? run.metered.chat
    const runner = completions.stream(chatRequest)
    expect('then' in runner).toBe(false)
    expect(Symbol.asyncIterator in runner).toBe(true)
    await runner.done()
    expect(run.records).toHaveLength(1)
  })

  test('langfuse-js#180: unusual parameters change nothing', async () => {
    await using run = await start()
    run.server.serve(chatScript)
    const odd = { response_format: { type: 'json_object' }, logprobs: true, n: 1, seed: 7 } as const
    for await (const _ of await run.metered.chat.completions.create({ ...streamed, ...odd }));
    expect(run.records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
  })

  test.each([Number.NaN, -1, '7', 'many', null, {}, [1], 1e300, 1.5])(
    "braintrust#1174: a count of %j does not reach the caller's stream",
    async (odd) => {
      await using run = await start()
      const usage = { prompt_tokens: odd, completion_tokens: odd, total_tokens: odd }
      run.server.serve([...chatScript.slice(0, -1), { id: 'c', choices: [], usage }])
      let chunks = 0
      for await (const _ of await run.metered.chat.completions.create(streamed)) chunks++
      expect(chunks).toBe(5)
      expect(run.records.length).toBeLessThanOrEqual(1)
      for (const { tokens } of run.records) {
        for (const count of Object.values(tokens)) expect(count).toBeGreaterThanOrEqual(0)
      }
    },
  )

  test('openai-agents-js#107, cline#8384: no chunk without choices that the caller has not asked for', async () => {
    await using run = await start()
    run.server.serve(chatScript)
    for await (const { choices } of await run.metered.chat.completions.create(streamed)) {
      expect(choices).toHaveLength(1)
    }
  })

  test('langfuse#1872, litellm#5118: one record for one response, also with usage asked for', async () => {
    await using run = await start()
    run.server.serve(chatScript)
    const asking = { ...streamed, stream_options: { include_usage: true } }
    for await (const _ of await run.meter(run.metered, 'cus_2').chat.completions.create(asking));
    await until(() => run.records.length > 0, 'it is recorded')
    expect(run.records).toMatchObject([{ customer: 'cus_2', tokens: countedTokens }])
  })

  test('langchainjs#10164, agno#6624: running totals are not summed', async () => {
    await using run = await startMetered(OpenAI, { provider: 'perplexity' })
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
    const total = { choices: [{ index: 0, delta: { content: 'x' } }], usage }
    const body = Array.from({ length: 50 }, () => `data: ${JSON.stringify(total)}\n\n`).join('')
    run.server.serve(Buffer.from(body), { headers: { 'content-type': 'text/event-stream' } })
    for await (const _ of await run.metered.chat.completions.create(streamed));
    expect(run.records).toMatchObject([{ tokens: { input: 10, output: 5 } }])
  })

  test('litellm#6575, new-api#5003: cached tokens are billed once, and never below zero', async () => {
    await using run = await start()
    const usage = (cached_tokens: number) => ({
      prompt_tokens: 100,
      completion_tokens: 1,
      total_tokens: 101,
      prompt_tokens_details: { cached_tokens },
    })
    run.server.serve({ ...chatCompletion, usage: usage(60) })
    run.server.serve({ ...chatCompletion, usage: usage(160) })
    await run.metered.chat.completions.create(chatRequest)
    await run.metered.chat.completions.create(chatRequest)
    expect(run.records).toMatchObject([
      { tokens: { input: 40, cachedInput: 60 } },
      { tokens: { input: 0, cachedInput: 100 } },
    ])
  })

  test('litellm#42331: the Responses API has tokens, whole and streamed', async () => {
    await using run = await start()
    run.server.serve(finishedResponse)
    run.server.serve(responseScript)
    const request = { model: 'm', input: 'x' }
    await run.metered.responses.create(request)
    for await (const _ of await run.metered.responses.create({ ...request, stream: true }));
    expect(run.records.map(({ tokens }) => tokens)).toEqual([countedTokens, countedTokens])
  })

  test('posthog-js#4664: a stream that is left is never zero', async () => {
    await using run = await start()
    run.server.serve(chatScript, { gapMs: 20 })
    let chunks = 0
    for await (const _ of await run.metered.chat.completions.create(streamed)) {
      if (++chunks === 2) break
    }
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
    expect(run.records[0]?.tokens.input).toBeGreaterThan(0)
    expect(run.records[0]?.tokens.output).toBeGreaterThan(0)
  })

  test('openllmetry-js#940: nothing is estimated where the provider has counted', async () => {
    await using run = await start()
    run.server.serve(chatCompletion)
    const long = 'word '.repeat(5000)
    await run.metered.chat.completions.create({
      ...chatRequest,
      messages: [{ role: 'user', content: long }],
    })
    expect(run.records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
  })

  test('trap: the probe for forms is asked of the fetch as it is', async () => {
    const asked: string[] = []
    const probed = async (url: unknown) => {
      asked.push(String(url).slice(0, 5))
      return String(url).startsWith('data:') ? new Response('') : Response.json({ text: 'x' })
    }
    await using run = await startMetered(OpenAI, { client: { fetch: probed } })
    expect(run.metered).toHaveProperty('fetch', probed)
    const file = new File(['x'], 'x.mp3')
    await run.metered.audio.transcriptions.create({ file, model: 'whisper-1' })
    expect(asked.filter((url) => url === 'http:')).toHaveLength(1)
  })

  test('trap: equal response ids of a compatible server are different responses', async () => {
    await using run = await start()
    run.server.serve({ ...chatCompletion, id: 'chatcmpl-123' }, { times: 2 })
    await run.metered.chat.completions.create(chatRequest)
    await run.metered.chat.completions.create(chatRequest)
    expect(new Set(run.records.map(({ id }) => id)).size).toBe(2)
  })
})
