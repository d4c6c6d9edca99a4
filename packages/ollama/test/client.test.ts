import ollamaInstance, { Ollama as NodeOllama } from 'ollama'
import { Ollama as BrowserOllama } from 'ollama/browser'
import { describe, expect, test, vi } from 'vitest'
import { sdkMinors, startMetered } from './metered.ts'
import { answer, messages, model, part } from './scripts.ts'

const streamed = [part({ content: 'Hel' }), part({ content: 'lo' }), answer({})]

describe.each(sdkMinors)('clients of ollama $minor', ({ Ollama }) => {
  test('client.abort() ends the streams of both, and each is an estimate', async () => {
    await using started = await startMetered(Ollama)
    const { server, meter, raw, records, errors } = started
    const metered = meter(raw, 'cus_1')
    server.serve(streamed as never, { hangAfterEvents: 1, times: 2 })
    const [own, other] = await Promise.all(
      [metered, raw].map((client) => client.chat({ model, messages, stream: true })),
    )
    const readings = [own!, other!].map(async (stream) => {
      for await (const { message } of stream) if (message.content === 'Hel') metered.abort()
    })
    for (const reading of readings) await expect(reading).rejects.toThrow(/abort/i)
    expect(records).toMatchObject([
      { outcome: 'estimated', details: { estimated: ['input', 'output'] } },
    ])
    expect(records[0]!.tokens.output).toBeGreaterThan(0)
    expect(errors).toEqual([])
  })

  test('a stream that is aborted before it is read is an estimate', async () => {
    await using started = await startMetered(Ollama)
    const { server, metered, records } = started
    server.serve(streamed as never, { hangAfterEvents: 1 })
    const stream = await metered.chat({ model, messages, stream: true })
    stream.abort()
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toThrow(/abort/i)
    expect(records).toMatchObject([
      { outcome: 'estimated', details: { estimated: ['input', 'output'] } },
    ])
  })

  test('a stream that is read to its end leaves its connection for the next', async () => {
    await using started = await startMetered(Ollama)
    const { server, metered, records } = started
    server.serve(streamed as never, { times: 2 })
    for (let time = 0; time < 2; time++) {
      const stream = await metered.chat({ model, messages, stream: true })
      for await (const _ of stream);
      await server.requests[time]!.closed
      expect(server.requests[time]!.closedEarly).toBe(false)
    }
    expect(records).toHaveLength(2)
  })

  test("the application's own fetch sends, also one that is assigned later", async () => {
    const sent: string[] = []
    const as = (name: string) =>
      (async (input, init) => {
        sent.push(name)
        return fetch(input, init)
      }) as typeof fetch
    await using started = await startMetered(Ollama, { client: { fetch: as('given') } })
    const { server, metered, records } = started
    server.serve(answer() as never, { times: 2 })
    await metered.chat({ model, messages })
    Reflect.set(metered, 'fetch', as('assigned'))
    await metered.chat({ model, messages })
    expect([sent, records.length]).toEqual([['given', 'assigned'], 2])
  })

  test('the raw client goes on unmetered, also behind a spy on the metered one', async () => {
    await using started = await startMetered(Ollama)
    const { server, meter, raw, records } = started
    const metered = meter(raw, 'cus_1')
    server.serve(answer() as never, { times: 4 })
    await metered.chat({ model, messages })
    await raw.chat({ model, messages })
    expect(records).toHaveLength(1)
    vi.spyOn(metered, 'chat').mockResolvedValue('mocked' as never)
    expect(await raw.chat({ model, messages })).toBe('mocked')
    vi.restoreAllMocks()
    await raw.chat({ model, messages })
    await metered.chat({ model, messages })
    expect(records).toHaveLength(2)
  })

  test('the methods of a subclass are metered', async () => {
    class Assistant extends Ollama {
      ask(content: string) {
        return this.chat({ model, messages: [{ role: 'user', content }] })
      }
    }
    await using started = await startMetered(Ollama)
    started.server.serve(answer() as never)
    const metered = started.meter(new Assistant({ host: started.server.url }), 'cus_sub')
    await metered.ask('Hi')
    expect(started.records).toMatchObject([{ customer: 'cus_sub' }])
  })

  test('a client that another library has wrapped works, and is said not to be metered', async () => {
    await using started = await startMetered(Ollama)
    const { server, meter, records, errors } = started
    const raw = new Ollama({ host: server.url })
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
    server.serve(answer() as never, { times: 2 })
    const metered = meter(wrapped(raw), 'cus_1')
    await metered.chat({ model, messages })
    await metered.chat({ model, messages })
    expect(records).toEqual([])
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/"chat" of a wrapped client is not the SDK's own/),
    ])
  })

  test('a client that is metered twice is billed once, to who was named last', async () => {
    await using started = await startMetered(Ollama)
    started.server.serve(answer() as never)
    await started.meter(started.metered, 'cus_2').chat({ model, messages })
    expect(started.records.map(({ customer }) => customer)).toEqual(['cus_2'])
  })

  test("nobody, where such calls are refused: the meter's own error", async () => {
    await using started = await startMetered(Ollama, {
      customer: () => undefined,
      onMissingCustomer: 'throw',
    })
    const { metered, server } = started
    for (const call of [
      () => metered.chat({ model, messages, stream: true }),
      () => metered.generate({ model, prompt: 'Hi' }),
      () => metered.embed({ model, input: 'Hi' }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'missing-customer' })
    }
    expect(server.requests).toEqual([])
  })
})

test('the instance that the package exports, and the client for browsers', async () => {
  await using started = await startMetered(NodeOllama)
  const { server, meter, records } = started
  const { config } = ollamaInstance as unknown as { config: { host: string } }
  const { host } = config
  config.host = server.url
  server.serve(answer() as never, { times: 2 })
  await meter(ollamaInstance, 'cus_1').chat({ model, messages })
  config.host = host
  await meter(new BrowserOllama({ host: server.url }), 'cus_2').chat({ model, messages })
  expect(records.map(({ customer }) => customer)).toEqual(['cus_1', 'cus_2'])
})
