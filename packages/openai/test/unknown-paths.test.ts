import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { chatCompletion, chatRequest, countedTokens } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

describe.each(sdkMajors)('openai $major', ({ OpenAI }) => {
  test.each(['/v1/chat/completions', 'v1/chat/completions', '/openai/v1/chat/completions'])(
    'client.post(%s) with a base URL that has no version',
    async (path) => {
      await using run = await startMetered(OpenAI)
      run.server.serve(chatCompletion)
      await run.metered.post(path, { body: chatRequest as never })
      expect(run.records).toMatchObject([{ tokens: countedTokens, endpoint: 'chat.completions' }])
      expect(run.errors).toEqual([])
    },
  )

  test('an unknown path that answers usage is reported, once', async () => {
    await using run = await startMetered(OpenAI)
    const path = `/unknown_${Math.random()
      .toString(36)
      .replaceAll(/[^a-z]/g, '')}/run`
    const answer = { id: 'x', usage: { prompt_tokens: 5, total_tokens: 5 } }
    run.server.serve(answer, { times: 3 })
    expect(await run.metered.post(path, { body: {} as never })).toEqual(answer)
    expect(await run.metered.post(path, { body: {} as never })).toEqual(answer)
    const { data } = await run.metered.post(path, { body: {} as never }).withResponse()
    expect(data).toEqual(answer)
    expect(run.records).toEqual([])
    expect(run.errors.map(({ message }) => message)).toEqual([
      expect.stringContaining(`POST ${path}`) as string,
    ])
  })

  test('what answers usage that is none, or was billed before, is not', async () => {
    await using run = await startMetered(OpenAI)
    run.server.serve({ usage: { prompt_tokens: 5 } }, { times: 2 })
    await run.metered.post('/chat/completions/chatcmpl_1', { body: {} as never })
    await run.metered.get('/whatever/usage')
    run.server.serve({ usage: { total_tokens: 0 } })
    await run.metered.post('/nothing/used', { body: {} as never })
    run.server.serve({ usage: 'a text' })
    await run.metered.post('/nothing/said', { body: {} as never })
    expect(run.errors).toEqual([])
  })
})
