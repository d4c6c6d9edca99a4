import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { contentAnswer, contentScript, countedTokens, model, request } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

type Fields = Record<string, unknown>

describe.each(sdkMajors)('a metered client of genai $major', ({ major, GoogleGenAI }) => {
  const start = () => startMetered(GoogleGenAI)

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

  test('sends nothing before it is asked, and once it is read', async () => {
    await using run = await start()
    run.server.serve(contentScript)
    const stream = await run.metered.models.generateContentStream(request)
    expect(await stream.next()).toMatchObject({ done: false })
    expect(await stream.return(undefined)).toMatchObject({ done: true })
    expect(run.server.requests).toHaveLength(1)
  })

  test('throws at once what the raw one throws at once', async () => {
    await using run = await start()
    await expect(run.metered.models.generateContent({ model: '' } as never)).rejects.toThrow()
    await expect(run.metered.models.generateContent(undefined as never)).rejects.toThrow(TypeError)
    expect(() => run.metered.chats.create({ model, history: [{ role: 'x', parts: [] }] })).toThrow()
    expect(run.server.requests).toEqual([])
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
