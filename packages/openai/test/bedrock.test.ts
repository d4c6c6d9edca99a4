import { BedrockOpenAI as BedrockOpenAI7 } from 'openai'
import { BedrockOpenAI as BedrockOpenAI6 } from 'openai6'
import { describe, expect, test } from 'vitest'
import { type Metered, startMetered } from './metered.ts'
import { countedTokens, finishedResponse, responseScript } from './scripts.ts'
import type { SdkClass } from './sdk-majors.ts'

const request = { model: 'openai.gpt-oss-120b', input: 'hi' }

describe.each([
  { major: 6, BedrockOpenAI: BedrockOpenAI6 as unknown as SdkClass },
  { major: 7, BedrockOpenAI: BedrockOpenAI7 as unknown as SdkClass },
])('BedrockOpenAI of openai $major', ({ BedrockOpenAI }) => {
  test.each<[way: string, call: (run: Metered) => Promise<unknown>, answer: 'whole' | 'stream']>([
    ['create', (run) => run.metered.responses.create(request), 'whole'],
    [
      'create, streamed',
      async (run) => {
        for await (const _ of await run.metered.responses.create({ ...request, stream: true }));
      },
      'stream',
    ],
    ['its own stream', (run) => run.metered.responses.stream(request).finalResponse(), 'stream'],
    [
      'the stream of a clone',
      (run) => run.metered.withOptions({ timeout: 9000 }).responses.stream(request).finalResponse(),
      'stream',
    ],
    ['parse', (run) => run.metered.responses.parse(request), 'whole'],
    ['post', (run) => run.metered.post('/responses', { body: request }), 'whole'],
  ])('%s: once', async (_, call, answer) => {
    await using run = await startMetered(BedrockOpenAI)
    run.server.serve(answer === 'whole' ? finishedResponse : responseScript)
    await call(run)
    expect(run.records).toMatchObject([{ provider: 'bedrock', tokens: countedTokens }])
    expect(run.errors).toEqual([])
  })

  test('its token provider comes back as it is', async () => {
    await using run = await startMetered(BedrockOpenAI, {
      client: { apiKey: undefined, bedrockTokenProvider: async () => 'token' } as never,
    })
    const shown = (client: object) =>
      (client as { bedrockTokenProvider?: unknown }).bedrockTokenProvider
    expect(shown(run.raw)).toBeTypeOf('function')
    expect(shown(run.metered)).toBe(shown(run.raw))
  })

  test('its own stream is as raw: the text it restores, and its errors', async () => {
    await using run = await startMetered(BedrockOpenAI)
    run.server.serve(responseScript, { times: 2 })
    const [raw, metered] = await Promise.all(
      [run.raw, run.metered].map((client) => client.responses.stream(request).finalResponse()),
    )
    expect(metered).toEqual(raw)
    expect(metered?.output_text).toBe('{"a":1}')
    run.server.serve({ error: { message: 'no' } }, { status: 400 })
    await expect(run.metered.responses.stream(request).finalResponse()).rejects.toMatchObject({
      status: 400,
    })
    expect(run.records).toHaveLength(1)
  })
})
