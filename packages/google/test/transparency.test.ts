import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { googleProvider } from '../src/index.ts'
import { readAll, startMetered } from './metered.ts'
import { contentAnswer, contentScript, countedTokens, model, request } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

type Fields = Record<string, unknown>

/** What `inspect` shows, without the `Proxy(...)` that Node writes around a proxy from 26 on. */
function shown(value: unknown, depth?: number): string {
  return inspect(value, { depth }).replaceAll(/Proxy\(|\)/g, '')
}

describe.each(sdkMajors)('a metered client of genai $major', ({ major, GoogleGenAI }) => {
  const start = () => startMetered(GoogleGenAI)

  test('looks like the raw one', async () => {
    await using run = await start()
    const { raw, metered } = run
    expect(metered).toBeInstanceOf(GoogleGenAI)
    expect(Object.keys(metered)).toEqual(Object.keys(raw))
    expect(Object.getPrototypeOf(metered)).toBe(Object.getPrototypeOf(raw))
    expect(shown(metered, 0)).toBe(shown(raw, 0))
    expect(googleProvider.recognises(metered)).toBe(true)
    for (const name of Object.keys(raw)) {
      const own = (raw as unknown as Fields)[name]
      const view = (metered as unknown as Fields)[name]
      expect((metered as unknown as Fields)[name]).toBe(view)
      if (typeof own !== 'object' || own === null) expect(view).toBe(own)
      else expect(view).toBeInstanceOf((own as object).constructor)
      if (typeof own === 'object' && own !== null)
        expect(Object.keys(view as object)).toEqual(Object.keys(own))
    }
  })

  test('has the same functions each time, with their names', async () => {
    await using run = await start()
    const { raw, metered } = run
    for (const name of Object.keys(raw.models)) {
      const own = (raw.models as unknown as Fields)[name]
      const view = (metered.models as unknown as Fields)[name]
      if (typeof own !== 'function') continue
      expect((metered.models as unknown as Fields)[name]).toBe(view)
      expect(String(view)).toBe(String(own))
      expect((view as typeof own).name).toBe(own.name)
    }
    expect(metered.models.countTokens).toBe(raw.models.countTokens)
    expect(metered.batches.get).toBe(raw.batches.get)
    expect(metered.live.music).toBe(metered.live.music)
  })

  test('makes what is made later for itself, and leaves the raw client its own', async () => {
    await using run = await start()
    const before = run.raw.interactions
    const other = run.meter(run.raw, 'cus_2')
    expect(other.interactions).toBe(other.interactions)
    expect(run.raw.interactions).toBe(before)
    expect(other.interactions).not.toBe(before)
    expect(other.webhooks).toBeInstanceOf((run.raw.webhooks as object).constructor)
    if (major > 1) expect(other.agents).toBe(other.agents)
  })

  test('answers what the raw one answers, of the same class', async () => {
    await using run = await start()
    run.server.serve(contentAnswer, { times: 2, headers: { 'x-request-id': 'r', date: 'd' } })
    const raw = await run.raw.models.generateContent(request)
    const metered = await run.metered.models.generateContent(request)
    expect(metered).toEqual(raw)
    expect(metered.constructor).toBe(raw.constructor)
    expect(metered.text).toBe('Hello there.')
    const [one, two] = run.server.requests
    expect(two?.rawBody).toBe(one?.rawBody)
    expect(two?.url).toBe(one?.url)
    expect({ ...two?.headers, host: '' }).toEqual({ ...one?.headers, host: '' })
  })

  test('streams what the raw one streams, by the same kind of generator', async () => {
    await using run = await start()
    run.server.serve(contentScript, { times: 2, headers: { 'x-request-id': 'r', date: 'd' } })
    const raw = await run.raw.models.generateContentStream(request)
    const metered = await run.metered.models.generateContentStream(request)
    expect(Object.prototype.toString.call(metered)).toBe(Object.prototype.toString.call(raw))
    expect(Object.keys(metered)).toEqual(Object.keys(raw))
    expect(await readAll(metered)).toEqual(await readAll(raw))
  })

  test('sends nothing before it is asked, and once it is read', async () => {
    await using run = await start()
    run.server.serve(contentScript)
    const stream = await run.metered.models.generateContentStream(request)
    expect(await stream.next()).toMatchObject({ done: false })
    expect(await stream.return(undefined)).toMatchObject({ done: true })
    expect(run.server.requests).toHaveLength(1)
  })

  test.each([400, 401, 429, 500])(
    'fails as the raw one does on %i, and bills nothing',
    async (status) => {
      await using run = await start()
      const error = { error: { code: status, message: 'no', status: 'X' } }
      run.server.serve(error, { times: 8, status })
      const failure = async (work: Promise<unknown>) =>
        work.then(
          () => expect.unreachable(),
          (thrown: unknown) => thrown as Error,
        )
      const raw = await failure(run.raw.models.generateContent(request))
      const metered = await failure(run.metered.models.generateContent(request))
      expect(metered.constructor).toBe(raw.constructor)
      expect({ ...metered, message: metered.message }).toEqual({ ...raw, message: raw.message })
      const stream = await failure(run.metered.models.generateContentStream(request))
      expect(stream.constructor).toBe(raw.constructor)
      expect(run.records).toEqual([])
      expect(run.errors).toEqual([])
    },
  )

  test('throws at once what the raw one throws at once', async () => {
    await using run = await start()
    await expect(run.metered.models.generateContent({ model: '' } as never)).rejects.toThrow()
    await expect(run.metered.models.generateContent(undefined as never)).rejects.toThrow(TypeError)
    expect(() => run.metered.chats.create({ model, history: [{ role: 'x', parts: [] }] })).toThrow()
    expect(run.server.requests).toEqual([])
  })

  test('passes what is written to it on to the client', async () => {
    await using run = await start()
    run.meter(run.raw, 'cus_1')
    const client = run.meter(run.raw, 'cus_1') as unknown as Fields
    client.mine = 7
    expect((run.raw as unknown as Fields).mine).toBe(7)
    delete client.mine
    expect('mine' in run.raw).toBe(false)
  })

  test('wrapped twice, bills who was named last, once', async () => {
    await using run = await start()
    run.server.serve(contentAnswer)
    await run.meter(run.metered, 'cus_2').models.generateContent(request)
    expect(run.records).toMatchObject([{ customer: 'cus_2' }])
  })

  test('a subclass keeps its methods, which are metered', async () => {
    class Shop extends GoogleGenAI {
      greet() {
        return this.models.generateContent(request)
      }
    }
    class PrivateShop extends GoogleGenAI {
      readonly #prompt = 'hi'
      get prompt() {
        return this.#prompt
      }
      async greet() {
        await Promise.resolve()
        return this.models.generateContent({ model, contents: this.#prompt })
      }
    }
    await using run = await start()
    run.server.serve(contentAnswer, { times: 3 })
    const options = { apiKey: 'key', httpOptions: { baseUrl: run.server.url } }
    const shop = run.meter(new Shop(options), 'cus_1')
    await shop.greet()
    const privateShop = run.meter(new PrivateShop(options), 'cus_2')
    expect(privateShop.prompt).toBe('hi')
    await privateShop.greet()
    await privateShop.models.generateContent(request)
    expect(run.records.map(({ customer, tokens }) => [customer, tokens])).toEqual([
      ['cus_1', countedTokens],
      ['cus_2', countedTokens],
      ['cus_2', countedTokens],
    ])
  })

  test('a frozen module works as it does raw, and says that it is not metered', async () => {
    await using run = await start()
    run.server.serve(contentAnswer)
    Object.freeze(run.raw.models)
    const client = run.meter(run.raw, 'cus_1')
    expect((await client.models.generateContent(request)).text).toBe('Hello there.')
    expect(run.records).toEqual([])
    // Once in the process, so the first major hears it.
    if (major === 1) expect(run.errors[0]?.message).toMatch(/frozen client cannot be metered/)
  })
})
