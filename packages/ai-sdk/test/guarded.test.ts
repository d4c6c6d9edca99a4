import { describe, expect, test } from 'vitest'
import { RefusedError, watchedGuard } from '@token-meter/testkit/internal'
import { memoryOutbox } from '../src/index.ts'
import { startMetered } from './metered.ts'
import { chatScript, toolCallCompletion } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const prompt = 'Say something short, please.'
const refusing = () => watchedGuard(() => Promise.reject(new RefusedError()))

describe.each(sdkMajors)('calls of ai $major that a guard refuses', (sdk) => {
  const { ai } = sdk

  test('generateText rejects with the refusal itself, tries no second time, and sends nothing', async () => {
    const guard = refusing()
    await using run = await startMetered(sdk, { guard })
    const model = run.meter(run.openai.chat('gpt-5.4'), 'cus_1')
    await expect(ai.generateText({ model, prompt })).rejects.toBeInstanceOf(RefusedError)
    expect(guard.asked).toHaveLength(1)
    expect(run.server.requests).toEqual([])
    expect(run.records).toEqual([])
    expect(run.errors).toEqual([])
  })

  test('streamText tells onError of the refusal itself, once', async () => {
    const guard = refusing()
    await using run = await startMetered(sdk, { guard })
    const told: unknown[] = []
    const result = ai.streamText({
      model: run.meter(run.openai.chat('gpt-5.4'), 'cus_1'),
      prompt,
      onError: ({ error }) => void told.push(error),
    })
    const parts: unknown[] = []
    for await (const part of result.fullStream) parts.push(part)
    expect(told).toEqual([expect.any(RefusedError)])
    expect(told).toMatchObject([{ code: 'insufficient_credits', status: 402 }])
    expect(parts).toContainEqual({ type: 'error', error: told[0] })
    await expect(async () => await result.text).rejects.toThrow()
    expect(guard.asked).toHaveLength(1)
    expect(run.server.requests).toEqual([])
  })

  test('embeddings, images and speech reject with it', async () => {
    const guard = refusing()
    await using run = await startMetered(sdk, { guard })
    const { meter, openai } = run
    const value = 'a text'
    await expect(
      ai.embed({ model: meter(openai.textEmbeddingModel('text-embedding-3-small'), 'c'), value }),
    ).rejects.toBeInstanceOf(RefusedError)
    await expect(
      sdk.generateImage({ model: meter(openai.image('gpt-image-1'), 'c'), prompt }),
    ).rejects.toBeInstanceOf(RefusedError)
    await expect(
      ai.experimental_generateSpeech({ model: meter(openai.speech('tts-1'), 'c'), text: prompt }),
    ).rejects.toBeInstanceOf(RefusedError)
    expect(guard.asked.map(({ call }) => call.endpoint)).toEqual([
      'embeddingModel',
      'imageModel',
      'speechModel',
    ])
    expect(guard.asked.map((asked) => asked.bounds().beyond)).toEqual([[], ['media'], ['media']])
    expect(run.server.requests).toEqual([])
  })

  test('a step that is refused ends a loop of tools, whose steps before are recorded', async () => {
    let steps = 0
    const guard = watchedGuard(() => (++steps > 1 ? Promise.reject(new RefusedError()) : undefined))
    await using run = await startMetered(sdk, { guard, outbox: memoryOutbox() })
    run.server.serve(toolCallCompletion)
    const schema = { type: 'object', properties: {} } as const
    const tools = {
      weather: ai.tool({ inputSchema: ai.jsonSchema(schema), execute: () => 'sunny' }),
    }
    const model = run.meter(run.openai.chat('gpt-5.4'), 'cus_1')
    const result = ai.generateText({ model, prompt, tools, stopWhen: ai.stepCountIs(3) })
    await expect(result).rejects.toBeInstanceOf(RefusedError)
    expect(run.records).toHaveLength(1)
    expect(guard.ends).toEqual([['settled']])
  })

  test('streamText shows that the hold of a stream may not grow, and tells onError, once', async () => {
    const guard = watchedGuard()
    guard.progress = () => Promise.reject(new RefusedError())
    await using run = await startMetered(sdk, { guard })
    const [first] = chatScript
    const choices = [
      { index: 0, delta: { content: 'five words of plain text ' }, finish_reason: null },
    ]
    run.server.serve(
      Array.from({ length: 60 }, () => ({ ...first, choices })),
      { gapMs: 2 },
    )
    const told: unknown[] = []
    const result = ai.streamText({
      model: run.meter(run.openai.chat('gpt-5.4'), 'cus_1'),
      prompt,
      onError: ({ error }) => void told.push(error),
    })
    const parts: { type: string }[] = []
    for await (const part of result.fullStream) parts.push(part)
    expect(told).toEqual([expect.any(RefusedError)])
    expect(parts).toContainEqual({ type: 'error', error: told[0] })
    expect(parts.filter(({ type }) => type === 'text-delta').length).toBeGreaterThan(5)
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
    expect(guard.ends).toEqual([['settled']])
    await run.server.requests[0]?.closed
    expect(run.server.requests[0]?.closedEarly).toBe(true)
  })

  test('what a stream was held for is settled with its record', async () => {
    const guard = watchedGuard()
    await using run = await startMetered(sdk, { guard })
    run.server.serve(chatScript)
    const model = run.meter(run.openai.chat('gpt-5.4'), 'cus_1')
    const result = ai.streamText({ model, prompt, maxOutputTokens: 50 })
    await result.consumeStream()
    expect(run.records).toHaveLength(1)
    expect(guard.ends).toEqual([['settled']])
    const bounds = guard.asked[0]?.bounds()
    expect(bounds).toMatchObject({ maxOutput: 50, answers: 1, beyond: [] })
    expect(bounds?.inputBytes).toBeGreaterThan(prompt.length)
  })
})
