import OpenAI6 from 'openai6'
import { describe, expect, test, vi } from 'vitest'
import { startMetered } from './metered.ts'
import { chatCompletion, chatRequest } from './scripts.ts'
import { type SdkClass, sdkMajors } from './sdk-majors.ts'

describe.each(sdkMajors)('with a mocked fetch, openai $major', ({ OpenAI }) => {
  test.each([
    ['without clone', { clone: undefined }],
    ['without a content type', { headers: new Headers() }],
  ])('a response %s disturbs nobody, awaited or not', async (_, odd) => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const answer = () => Object.assign(new Response(JSON.stringify(chatCompletion)), {}) as Response
    await using run = await startMetered(OpenAI, {
      client: {
        fetch: async () => {
          const response = answer()
          for (const [name, value] of Object.entries(odd))
            Object.defineProperty(response, name, { value })
          return response
        },
      },
    })
    void run.metered.chat.completions.create(chatRequest)
    await new Promise((resolve) => setTimeout(resolve, 20))
    await run.metered.chat.completions.create(chatRequest)
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
    expect(run.records).toHaveLength(2)
  })
})

describe('requests that are not metered', () => {
  test('pass untouched, whole or by path, with options that are known later', async () => {
    await using run = await startMetered(OpenAI6 as unknown as SdkClass)
    run.server.serve({ ok: true }, { times: 4 })
    await run.metered.request({ method: 'get', path: '/models' })
    await run.metered.request(
      Promise.resolve({ method: 'post' as const, path: '/moderations', body: {} }),
    )
    await run.metered.post('/moderations', { body: {} })
    await run.metered.get('/models')
    expect(run.server.requests.map(({ method }) => method)).toEqual(['GET', 'POST', 'POST', 'GET'])
    expect(run.records).toEqual([])
  })

  test('a whole request whose options are known later is metered', async () => {
    await using run = await startMetered(OpenAI6 as unknown as SdkClass)
    run.server.serve(chatCompletion)
    const options = { method: 'post' as const, path: '/chat/completions', body: chatRequest }
    await run.metered.request(Promise.resolve(options))
    expect(run.records).toHaveLength(1)
  })
})
