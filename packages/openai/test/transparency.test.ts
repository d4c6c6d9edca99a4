import { describe, expect, test, vi } from 'vitest'
import { startMetered } from './metered.ts'
import {
  chatCompletion,
  chatRequest,
  chatScript,
  embeddingList,
  responseScript,
} from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

describe.each(sdkMajors)('a metered client of openai $major is a raw one', ({ OpenAI }) => {
  const start = () => startMetered(OpenAI)

  test('keys stay the same after a stream was asked for its usage', async () => {
    await using run = await start()
    run.server.serve(chatScript)
    for await (const _ of await run.metered.chat.completions.create({
      ...chatRequest,
      stream: true,
    }));
    expect(Object.keys(run.metered)).toEqual(Object.keys(run.raw))
  })

  test('fields can be read and set, on both sides of the wrapping', async () => {
    await using run = await start()
    const client = new OpenAI({ apiKey: 'sk-a', baseURL: 'http://127.0.0.1:1/v1' })
    const metered = run.meter(client, 'cus_1')
    metered.apiKey = 'sk-b'
    expect(client.apiKey).toBe('sk-b')
    client.maxRetries = 7
    expect(metered.maxRetries).toBe(7)
  })

  test('own functions of the client come back as they are', async () => {
    const ownFetch = (...args: Parameters<typeof fetch>) => fetch(...args)
    await using run = await startMetered(OpenAI, { client: { fetch: ownFetch } })
    expect((run.metered as unknown as { fetch: unknown }).fetch).toBe(
      (run.raw as unknown as { fetch: unknown }).fetch,
    )
  })

  test('a destructured resource works, an unbound method fails as it does raw', async () => {
    await using run = await start()
    run.server.serve(chatCompletion)
    const { completions } = run.metered.chat
    await completions.create(chatRequest)
    const { create } = run.metered.chat.completions
    const { create: rawCreate } = run.raw.chat.completions
    const errorOf = (call: () => unknown) => {
      try {
        call()
      } catch (error) {
        return String(error)
      }
      return undefined
    }
    expect(errorOf(() => create(chatRequest))).toBe(errorOf(() => rawCreate(chatRequest)))
  })

  test('private members: helpers, webhooks, pages and plain requests do not throw (openai-node#1590)', async () => {
    await using run = await start()
    run.server.serve({ object: 'list', data: [{ id: 'm1' }, { id: 'm2' }] }, { times: 3 })
    const ids: string[] = []
    for await (const model of run.metered.models.list()) ids.push(model.id)
    for await (const page of (await run.metered.models.list()).iterPages())
      ids.push(String(page.data.length))
    expect(ids).toEqual(['m1', 'm2', '2'])
    await run.metered.get('/models')
    expect(
      await run.metered.webhooks.unwrap('{}', {}, 'whsec_x').catch((error: Error) => error.message),
    ).toMatch(/webhook/i)
    expect(run.metered.buildURL('/models', null)).toBe(run.raw.buildURL('/models', null))
  })

  test('the promise is the SDK promise, with nothing parsed before it is asked', async () => {
    await using run = await start()
    run.server.serve(chatCompletion, { times: 2 })
    const promise = run.metered.chat.completions.create(chatRequest)
    const rawPromise = run.raw.chat.completions.create(chatRequest)
    expect(promise.constructor).toBe(rawPromise.constructor)
    await rawPromise
    const response = await promise.asResponse()
    expect(response.bodyUsed).toBe(false)
    expect(await response.json()).toEqual(chatCompletion)
  })

  test('a result carries the request id', async () => {
    await using run = await start()
    run.server.serve(chatCompletion)
    expect((await run.metered.chat.completions.create(chatRequest))._request_id).toBe('req_1')
  })

  test.each(['chat', 'responses'] as const)(
    'the events of a %s stream are byte-equal to raw',
    async (kind) => {
      await using run = await start()
      const script = kind === 'chat' ? chatScript : responseScript
      run.server.serve(script, { times: 2 })
      const read = async (client: typeof run.raw) => {
        const stream =
          kind === 'chat'
            ? await client.chat.completions.create({ ...chatRequest, stream: true })
            : await client.responses.create({ model: 'gpt-5.4', input: 'hi', stream: true })
        const events: string[] = []
        for await (const event of stream) events.push(JSON.stringify(event))
        return events
      }
      expect(await read(run.metered)).toEqual(await read(run.raw))
    },
  )

  test('a stream object keeps its class, controller and methods', async () => {
    await using run = await start()
    run.server.serve(chatScript, { times: 2 })
    const stream = await run.metered.chat.completions.create({ ...chatRequest, stream: true })
    const rawStream = await run.raw.chat.completions.create({ ...chatRequest, stream: true })
    expect(stream.constructor).toBe(rawStream.constructor)
    expect(stream.controller).toBeInstanceOf(AbortController)
    for await (const _ of stream);
    await expect(async () => {
      for await (const _ of stream);
    }).rejects.toThrow(/consumed/)
    for await (const _ of rawStream);
  })

  test('overlapping next() calls come in order behind a chunk that is hidden in the middle', async () => {
    await using run = await start()
    const usage = chatScript.slice(-1)
    run.server.serve([...usage, ...chatScript.slice(0, -1), ...usage])
    const stream = await run.metered.chat.completions.create({ ...chatRequest, stream: true })
    const iterator = stream[Symbol.asyncIterator]()
    const order: number[] = []
    const pulls = Array.from({ length: 8 }, (_, index) =>
      iterator.next().then((result) => {
        order.push(index)
        return result
      }),
    )
    const results = await Promise.all(pulls)
    expect(results.map(({ value }) => value)).toMatchObject([
      ...chatScript.slice(0, -1),
      undefined,
      undefined,
      undefined,
    ])
    expect(order).toEqual(order.toSorted((one, other) => one - other))
  })

  test("the caller's request is sent as it is, from frozen objects, and not changed", async () => {
    await using run = await start()
    run.server.serve(chatScript, { times: 2 })
    const request = Object.freeze({
      ...chatRequest,
      stream: true as const,
      stream_options: Object.freeze({ include_obfuscation: false }),
    })
    for (const client of [run.metered, run.raw]) {
      for await (const _ of await client.chat.completions.create(request));
    }
    const [metered, raw] = run.server.requests.map(({ body }) => body as typeof request)
    expect(raw).toEqual(request)
    expect(metered).toEqual({
      ...request,
      stream_options: { include_obfuscation: false, include_usage: true },
    })
    expect(request.stream_options).toEqual({ include_obfuscation: false })
  })

  test('hooks of the body run once', async () => {
    await using run = await start()
    run.server.serve(chatScript)
    const toJSON = vi.fn(() => ({ ...chatRequest, stream: true }))
    const body = { ...chatRequest, stream: true as const, toJSON }
    for await (const _ of await run.metered.chat.completions.create(body));
    expect(toJSON).toHaveBeenCalledTimes(1)
    expect(run.records).toHaveLength(1)
  })

  test('a post that the application replaced is called and metered once', async () => {
    await using run = await start()
    run.server.serve(chatCompletion)
    const { post } = run.metered
    const replacement = (...args: Parameters<typeof post>) => {
      calls++
      return post(...args)
    }
    let calls = 0
    run.metered.post = replacement as typeof post
    await run.metered.chat.completions.create(chatRequest)
    expect(calls).toBe(1)
    expect(run.records).toHaveLength(1)
  })

  test('odd responses and unusual parameters never disturb the call', async () => {
    await using run = await start()
    for (const reply of [{}, { usage: 'none' }, { usage: [] }, { choices: 'x', usage: null }]) {
      run.server.serve(reply)
      expect(await run.metered.chat.completions.create(chatRequest)).toEqual(reply)
    }
    run.server.serve([{}, { choices: null }, { choices: [{}] }, { usage: 3 }] as never)
    let events = 0
    for await (const _ of await run.metered.chat.completions.create({
      ...chatRequest,
      stream: true,
      n: 0,
    }))
      events++
    expect(events).toBe(4)
  })

  test('an empty body for embeddings, as LangChain asks them', async () => {
    await using run = await start()
    run.server.serve(embeddingList)
    await run.metered.embeddings.create(
      { model: 'e', input: ['a', 'b'], encoding_format: 'float' },
      { maxRetries: 1 },
    )
    expect(run.records).toHaveLength(1)
  })
})
