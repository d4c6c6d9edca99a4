import { describe, expect, test } from 'vitest'
import { startMetered, until } from './metered.ts'
import { callableTool, contentScript, countedTokens, request, toolCallAnswer } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

describe.each(sdkMajors)('a stream of genai $major that was left', ({ GoogleGenAI }) => {
  const start = () => startMetered(GoogleGenAI)

  test('is waited for by flush()', async () => {
    await using run = await start()
    run.server.serve(contentScript, { gapMs: 20 })
    for await (const _ of await run.metered.models.generateContentStream(request)) break
    expect(run.records).toEqual([])
    await run.meter.flush()
    expect(run.records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
  })

  test('is waited for by close(), and is no error', async () => {
    const run = await start()
    run.server.serve(contentScript, { gapMs: 20 })
    for await (const _ of await run.metered.models.generateContentStream(request)) break
    await run[Symbol.asyncDispose]()
    expect(run.records).toMatchObject([{ tokens: countedTokens, outcome: 'complete' }])
    expect(run.errors).toEqual([])
  })

  test('in the middle of function calling: every request that was made is a record', async () => {
    await using run = await start()
    run.server.serve([toolCallAnswer])
    run.server.serve(contentScript, { gapMs: 10 })
    const config = { tools: [callableTool] }
    for await (const { text } of await run.metered.models.generateContentStream({
      ...request,
      config,
    })) {
      if (text === 'Hello') break
    }
    await run.meter.flush()
    expect(run.server.requests).toHaveLength(2)
    expect(run.records.map(({ tokens }) => tokens)).toEqual([
      { input: 7, cachedInput: 0, cachedWrite: 0, output: 2 },
      countedTokens,
    ])
  })

  test('answers no more, as a generator that was closed', async () => {
    await using run = await start()
    run.server.serve(contentScript, { gapMs: 5, times: 2 })
    const seen = []
    for (const client of [run.raw, run.metered]) {
      const { apiClient } = client as unknown as {
        apiClient: { requestStream(request: object): Promise<AsyncGenerator> }
      }
      const chunks = await apiClient.requestStream({
        path: 'models/m:streamGenerateContent?alt=sse',
        httpMethod: 'POST',
        body: '{}',
      })
      await chunks.next()
      const left = await chunks.return('own')
      seen.push([left, await chunks.next(), await chunks.return('again')])
    }
    expect(seen[1]).toEqual(seen[0])
    await until(() => run.records.length === 1, 'the rest was read')
  })
})
