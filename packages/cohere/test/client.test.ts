import { describe, expect, test, vi } from 'vitest'
import { type Sdk, sdkMajors, startMetered } from './metered.ts'
import { answer, messages, model, rerankRequest } from './scripts.ts'

const [sdk7] = sdkMajors as [Sdk, Sdk]

describe.each(sdkMajors)('clients of cohere-ai $major', (sdk) => {
  test("a request by the client's own fetch is metered by its path", async () => {
    await using started = await startMetered(sdk)
    started.server.serve(answer as never, { times: 2 })
    const init = { method: 'POST', body: JSON.stringify({ model, messages }) }
    for (const client of [started.metered, started.meteredV2]) {
      expect(await (await client.fetch('/v2/chat', init)).json()).toEqual(answer)
    }
    expect(started.records).toMatchObject([
      { endpoint: 'chat', model, tokens: { input: 5 } },
      { endpoint: 'chat', model, tokens: { input: 5 } },
    ])
  })

  test("the application's own fetch sends, as it is at the call", async () => {
    const sent: string[] = []
    const own: typeof fetch = (input, init) => {
      sent.push(String(input))
      return fetch(input, init)
    }
    await using started = await startMetered(sdk, { client: { fetch: own } })
    started.server.serve(answer as never, { times: 2 })
    await started.metered.v2.chat({ model, messages })
    await started.meteredV2.chat({ model, messages })
    expect(sent).toHaveLength(2)
    expect(started.records).toHaveLength(2)
  })

  test('a fetcher of the application is metered by the fetch that it is given, or told', async () => {
    const json = { ok: true as const, body: answer, rawResponse: new Response() }
    let sendsItself = false
    const fetcher = async (request: { url: string; body?: unknown; fetchFn?: typeof fetch }) => {
      if (sendsItself) return json as never
      const init = { method: 'POST', body: JSON.stringify(request.body) }
      const response = await request.fetchFn!(request.url, init)
      return { ...json, body: await response.json() } as never
    }
    await using started = await startMetered(sdk, { client: { fetcher } })
    started.server.serve(answer as never)
    await started.metered.v2.chat({ model, messages })
    expect([started.records.length, started.errors]).toEqual([1, []])
    sendsItself = true
    await started.metered.v2.chat({ model, messages })
    await started.metered.v2.chat({ model, messages })
    expect(started.records).toHaveLength(1)
    expect(started.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/fetcher of a Cohere client sends is not metered/),
    ])
  })

  test('the raw client goes on unmetered, also where the metered one has made its resources', async () => {
    await using started = await startMetered(sdk)
    const { meter, raw, server, records } = started
    const rawV2 = new sdk.CohereClientV2({ token: 'key', environment: server.url })
    const [metered, meteredV2] = [meter(raw, 'cus_1'), meter(rawV2, 'cus_1')]
    server.serve(answer as never, { times: 4 })
    for (const client of [metered.v2, meteredV2, raw.v2, rawV2]) {
      await client.chat({ model, messages })
    }
    expect(records).toHaveLength(2)
    // Nor does a spy that was put on the metered one, and taken off again, meter the raw one.
    for (const [owner, other] of [
      [meteredV2, rawV2],
      [metered.v2, raw.v2],
    ] as const) {
      vi.spyOn(owner, 'chat').mockResolvedValue('mocked' as never)
      expect(await other.chat({ model, messages })).toBe('mocked')
      vi.restoreAllMocks()
      server.serve(answer as never, { times: 2 })
      await other.chat({ model, messages })
      await owner.chat({ model, messages })
    }
    expect(records).toHaveLength(4)
  })

  test('a mock that was there before keeps its place, and makes no record', async () => {
    await using started = await startMetered(sdk)
    const { meter, server, records } = started
    const client = new sdk.CohereClientV2({ token: 'key', environment: server.url })
    vi.spyOn(client, 'chat').mockResolvedValue(answer as never)
    expect(await meter(client, 'cus_1').chat({ model, messages })).toBe(answer)
    expect([records, server.requests]).toEqual([[], []])
  })

  test('the methods of a subclass are metered', async () => {
    class Assistant extends sdk.CohereClient {
      ask(content: string) {
        return this.v2.chat({ model, messages: [{ role: 'user', content }] })
      }
    }
    class AssistantV2 extends sdk.CohereClientV2 {
      ask(content: string) {
        return this.chat({ model, messages: [{ role: 'user', content }] })
      }
    }
    await using started = await startMetered(sdk)
    const { meter, server, records } = started
    const settings = { token: 'key', environment: server.url }
    server.serve(answer as never, { times: 2 })
    for (const client of [new Assistant(settings), new AssistantV2(settings)]) {
      await meter(client, 'cus_sub').ask('Hi')
    }
    expect(records.map(({ customer }) => customer)).toEqual(['cus_sub', 'cus_sub'])
  })

  test('a method with private fields works, and is said not to be metered', async () => {
    class Assistant extends sdk.CohereClient {
      #asked = 0
      get asked() {
        return this.#asked
      }
      ask(content: string) {
        this.#asked++
        return this.v2.chat({ model, messages: [{ role: 'user', content }] })
      }
    }
    await using started = await startMetered(sdk)
    const { meter, server, records, errors } = started
    const metered = meter(new Assistant({ token: 'key', environment: server.url }), 'cus_1')
    server.serve(answer as never, { times: 3 })
    await metered.ask('Hi')
    await metered.ask('Hi again')
    expect([metered.asked, records.length]).toEqual([2, 0])
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/private fields runs unmetered/),
    ])
    await metered.v2.chat({ model, messages })
    expect(records).toHaveLength(1)
  })

  test('a client that another library has wrapped works, and is said not to be metered', async () => {
    await using started = await startMetered(sdk)
    const { server, meter, records, errors } = started
    const raw = new sdk.CohereClient({ token: 'key', environment: server.url })
    const bound = new WeakMap<object, unknown>()
    const wrapped = <Target extends object>(inner: Target): Target =>
      new Proxy(inner, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target)
          if (typeof value === 'function') return value.bind(target) as unknown
          if (typeof value !== 'object' || value === null) return value
          if (!bound.has(value)) bound.set(value, wrapped(value))
          return bound.get(value)
        },
      })
    server.serve(answer as never, { times: 2 })
    const metered = meter(wrapped(raw), 'cus_1')
    await metered.v2.chat({ model, messages })
    await metered.v2.chat({ model, messages })
    expect(records).toEqual([])
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/"chat" of a wrapped client is not the SDK's own/),
    ])
  })

  test('a client that is metered twice is billed once, to who was named last', async () => {
    await using started = await startMetered(sdk)
    started.server.serve(answer as never, { times: 2 })
    await started.meter(started.metered, 'cus_2').v2.chat({ model, messages })
    await started.meter(started.meteredV2, 'cus_3').chat({ model, messages })
    expect(started.records.map(({ customer }) => customer)).toEqual(['cus_2', 'cus_3'])
  })

  test('nobody, where such calls are refused: nothing is sent, and the refusal is the error', async () => {
    await using started = await startMetered(sdk, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    for (const call of [
      () => started.metered.v2.chat({ model, messages }),
      () => started.meteredV2.embed({ model, inputType: 'search_query', texts: ['a'] }),
      () => started.metered.rerank(rerankRequest),
    ]) {
      const message = expect.stringContaining('no customer for a call of')
      await expect(call()).rejects.toMatchObject({ message, code: 'missing-customer' })
      await expect(call().withRawResponse()).rejects.toMatchObject({ code: 'missing-customer' })
    }
    expect(started.server.requests).toEqual([])
  })

  test('each answer of a retried request counts, and only answers', async () => {
    await using started = await startMetered(sdk, { client: { maxRetries: 1 } })
    started.server.serve({ message: 'busy' } as never, { status: 503 })
    started.server.serve(answer as never)
    await started.metered.v2.chat({ model, messages })
    expect(started.server.requests).toHaveLength(2)
    expect(started.records).toHaveLength(1)
  })

  test('an answer that breaks off is what the SDK makes of it, and an estimate', async () => {
    await using started = await startMetered(sdk)
    const half = new TextEncoder().encode(JSON.stringify(answer).slice(0, 60))
    started.server.serve(half as never, { headers: { 'content-type': 'application/json' } })
    const got: unknown = await started.metered.v2.chat({ model, messages })
    expect(got).toMatchObject({ ok: false })
    expect(started.records).toMatchObject([{ outcome: 'estimated' }])
  })
})

describe('clients that cannot be metered are refused', () => {
  test('those that sign for AWS', async () => {
    const { BedrockClientV2, SagemakerClient } = await import('cohere-ai/aws')
    const { BedrockClient } = await import('cohere7')
    await using started = await startMetered(sdk7)
    const settings = { awsRegion: 'us-east-1' } as const
    for (const client of [
      new BedrockClient(settings),
      new BedrockClientV2(settings),
      new SagemakerClient(settings),
    ]) {
      expect(() => started.meter(client, 'cus_1')).toThrow(/AWS clients.*@token-meter\/bedrock/)
    }
  })

  test('those of an SDK that takes no fetch', async () => {
    await using started = await startMetered(sdk7)
    const client = new sdk7.CohereClientV2({ token: 'key' })
    for (const inner of [client['client'], client['clientV2']] as { _options: object }[]) {
      inner._options = { token: 'key' }
    }
    expect(() => started.meter(client, 'cus_1')).toThrow(/Install 7\.20 or newer/)
  })
})
