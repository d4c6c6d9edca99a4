import { describe, expect, test, vi } from 'vitest'
import { readAll, startMetered } from './metered.ts'
import {
  callableTool,
  contentAnswer,
  contentScript,
  countedTokens,
  model,
  request,
  toolCallAnswer,
} from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

describe.each(sdkMajors)(
  'functions put in place of those of genai $major',
  ({ major, GoogleGenAI }) => {
    const start = () => startMetered(GoogleGenAI)

    test('a mock is called as it is, and metered by what it answers', async () => {
      await using run = await start()
      const mock = vi.fn(async () => ({ ...contentAnswer }))
      vi.spyOn(run.metered.models, 'generateContent').mockImplementation(mock as never)
      await run.metered.models.generateContent(request)
      await run.metered.chats.create({ model }).sendMessage({ message: 'x' })
      expect(mock).toHaveBeenCalledTimes(2)
      expect(run.metered.models.generateContent).toHaveBeenCalledTimes(2)
      expect(run.records).toMatchObject([
        { tokens: countedTokens, requestedModel: model },
        { tokens: countedTokens },
      ])
    })

    test('a mocked stream', async () => {
      await using run = await start()
      vi.spyOn(run.metered.models, 'generateContentStream').mockImplementation((async () =>
        (async function* () {
          yield* contentScript
        })()) as never)
      await readAll(await run.metered.models.generateContentStream(request))
      expect(run.records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
    })

    test('a spy that calls through is metered by its requests, each of them, once', async () => {
      await using run = await start()
      run.server.serve(toolCallAnswer)
      run.server.serve(contentAnswer)
      const spy = vi.spyOn(run.metered.models, 'generateContent')
      await run.metered.models.generateContent({ ...request, config: { tools: [callableTool] } })
      expect(spy).toHaveBeenCalledTimes(1)
      expect(run.records.map(({ tokens }) => tokens.output)).toEqual([2, 11])
      spy.mockRestore()
      run.server.serve(contentAnswer)
      await run.metered.models.generateContent(request)
      expect(run.records).toHaveLength(3)
    })

    test('a wrapper around the metered function is metered once', async () => {
      await using run = await start()
      run.server.serve(contentAnswer)
      const { generateContent } = run.metered.models
      run.metered.models.generateContent = (async (params: never) => {
        await Promise.resolve()
        return { ...(await generateContent(params)) }
      }) as never
      await run.metered.models.generateContent(request)
      expect(run.records.map(({ tokens }) => tokens)).toEqual([countedTokens])
    })

    test("a module that is not the SDK's stays as it is", async () => {
      await using run = await start()
      const models = { generateContent: async () => ({ ...contentAnswer }) }
      ;(run.raw as { models: unknown }).models = models
      expect(run.meter(run.raw, 'cus_2').models).toBe(models)
      // Once in the process, so the first major hears it.
      if (major === 1) expect(run.errors[0]?.message).toMatch(/"models".*not metered/)
    })

    test('a mocked request of the API client', async () => {
      await using run = await start()
      const { apiClient } = run.raw as unknown as { apiClient: { request: unknown } }
      apiClient.request = async () => ({ headers: {}, json: async () => ({ ...contentAnswer }) })
      await run.meter(run.raw, 'cus_2').models.generateContent(request)
      expect(run.records).toMatchObject([{ customer: 'cus_2', tokens: countedTokens }])
    })
  },
)
