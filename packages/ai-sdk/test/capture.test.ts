import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Metered, startMetered } from './metered.ts'
import {
  chatCompletion,
  chatScript,
  chatUsage,
  countedTokens,
  embeddingList,
  message,
  messageScript,
  messageTokens,
  messageUsage,
  toolCallCompletion,
} from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const prompt = 'Say something short, please.'

describe.each(sdkMajors)('ai $major', (sdk) => {
  const { ai, version } = sdk
  const start = () => startMetered(sdk)
  const chat = (run: Metered) => run.meter(run.openai.chat('gpt-5.4'), 'cus_1')

  test('generateText', async () => {
    await using run = await start()
    run.server.serve(chatCompletion)
    const { text } = await ai.generateText({ model: chat(run), prompt })
    expect(text).toBe('{"a":1}')
    expect(run.records).toEqual([
      {
        livemode: true,
        id: expect.any(String),
        customer: 'cus_1',
        provider: 'openai',
        model: 'gpt-5.4-2026-03-05',
        requestedModel: 'gpt-5.4',
        endpoint: 'languageModel',
        tokens: countedTokens,
        details: { reasoning: 2 },
        outcome: 'complete',
        at: expect.any(Number),
        serviceTier: 'priority',
        attributes: {},
        responseId: 'chatcmpl-1',
        requestId: 'req_1',
        raw: chatUsage,
      },
    ])
    expect(run.errors).toEqual([])
  })

  test('a tool loop: one record a step', async () => {
    await using run = await start()
    run.server.serve(toolCallCompletion)
    run.server.serve(chatCompletion)
    await ai.generateText({
      model: chat(run),
      prompt,
      tools: {
        weather: ai.tool({ inputSchema: z.object({}), execute: async () => 'sunny' }),
      },
      stopWhen: ai.stepCountIs(5),
    })
    expect(run.records.map(({ tokens }) => tokens)).toEqual([countedTokens, countedTokens])
    expect(new Set(run.records.map(({ id }) => id)).size).toBe(2)
  })

  test('a retry: the refused attempt costs nothing', async () => {
    await using run = await start()
    run.server.serve(
      { error: { message: 'busy' } },
      { status: 503, headers: { 'retry-after-ms': '1' } },
    )
    run.server.serve(chatCompletion)
    await ai.generateText({ model: chat(run), prompt, maxRetries: 1 })
    expect(run.records).toHaveLength(1)
  })

  test('generateObject and streamObject', async () => {
    await using run = await start()
    const schema = z.object({ a: z.number() })
    run.server.serve(chatCompletion)
    expect((await ai.generateObject({ model: chat(run), prompt, schema })).object).toEqual({ a: 1 })
    run.server.serve(chatScript)
    const streamed = ai.streamObject({ model: chat(run), prompt, schema })
    for await (const _ of streamed.partialObjectStream);
    expect(await streamed.object).toEqual({ a: 1 })
    expect(run.records.map(({ tokens }) => tokens)).toEqual([countedTokens, countedTokens])
  })

  test('embed and embedMany', async () => {
    await using run = await start()
    run.server.serve(embeddingList, { times: 3 })
    const model = run.meter(run.openai.textEmbeddingModel('text-embedding-3-small'), 'cus_1')
    await ai.embed({ model, value: 'one' })
    const limited = Object.create(run.openai.textEmbeddingModel('text-embedding-3-small'), {
      maxEmbeddingsPerCall: { value: 1 },
    }) as typeof model
    await ai.embedMany({ model: run.meter(limited, 'cus_1'), values: ['two', 'three'] })
    expect(run.records).toHaveLength(3)
    expect(run.records[0]).toMatchObject({
      endpoint: 'embeddingModel',
      model: 'text-embedding-3-small',
      tokens: { input: 8, cachedInput: 0, cachedWrite: 0, output: 0 },
      outcome: 'complete',
      raw: embeddingList.usage,
    })
    expect(run.errors).toEqual([])
  })

  test('images: by tokens where there are some, and by piece', async () => {
    await using run = await start()
    const image = { created: 1, data: [{ b64_json: 'AAAA' }] }
    const usage = { input_tokens: 9, output_tokens: 1056, total_tokens: 1065 }
    run.server.serve({ ...image, usage })
    run.server.serve(image)
    const { generateImage } = sdk
    const model = run.meter(run.openai.image('gpt-image-1'), 'cus_1')
    await generateImage({ model, prompt })
    await generateImage({ model, prompt })
    // V2 has no usage of images: the models of ai 5 are counted by piece alone.
    const tokens = version === 'v2' ? { input: 0, output: 0 } : { input: 9, output: 1056 }
    expect(run.records).toMatchObject([
      { endpoint: 'imageModel', model: 'gpt-image-1', tokens, details: { images: 1 } },
      { tokens: { input: 0, output: 0 }, details: { images: 1 }, outcome: 'complete' },
    ])
    expect(run.errors).toEqual([])
  })

  test('speech: by characters', async () => {
    await using run = await start()
    run.server.serve(new Uint8Array([1, 2, 3]), { headers: { 'content-type': 'audio/mpeg' } })
    const model = run.meter(run.openai.speech('tts-1'), 'cus_1')
    await ai.experimental_generateSpeech({ model, text: 'Hello!' })
    expect(run.records).toMatchObject([
      { endpoint: 'speechModel', model: 'tts-1', details: { characters: 6 }, outcome: 'complete' },
    ])
    expect(run.errors).toEqual([])
  })

  test('transcription: by tokens, or by seconds', async () => {
    await using run = await start()
    const usage = {
      type: 'tokens',
      input_tokens: 40,
      input_token_details: { audio_tokens: 38, text_tokens: 2 },
      output_tokens: 6,
      total_tokens: 46,
    }
    run.server.serve({ text: 'hi', usage })
    run.server.serve({ text: 'hi', language: 'english', duration: 4.5, segments: [] })
    const transcribe = (id: string) =>
      ai.experimental_transcribe({
        model: run.meter(run.openai.transcription(id), 'cus_1'),
        audio: new Uint8Array([0x49, 0x44, 0x33]),
      })
    await transcribe('gpt-4o-transcribe')
    await transcribe('whisper-1')
    expect(run.records).toMatchObject([
      {
        endpoint: 'transcriptionModel',
        model: 'gpt-4o-transcribe',
        tokens: { input: 40, output: 6 },
        details: { audioInput: 38 },
        raw: usage,
      },
      { model: 'whisper-1', tokens: { input: 0, output: 0 }, details: { seconds: 4.5 } },
    ])
    expect(run.errors).toEqual([])
  })

  test.each([false, true])(
    'Anthropic: cache writes by their time to live, streamed: %s',
    async (isStream) => {
      await using run = await start()
      run.server.serve(isStream ? messageScript : message)
      const model = run.meter(run.anthropic('claude-sonnet-4-6'), 'cus_1')
      if (isStream) await ai.streamText({ model, prompt }).text
      else await ai.generateText({ model, prompt })
      expect(run.records).toMatchObject([
        {
          provider: 'anthropic',
          model: 'claude-sonnet-4-6',
          tokens: messageTokens,
          details: { cachedWrite5m: 60, cachedWrite1h: 40 },
          serviceTier: 'standard',
          outcome: 'complete',
        },
      ])
      expect(run.errors).toEqual([])
    },
  )

  test('Anthropic: an advisor is billed on its own model', async () => {
    await using run = await start()
    const advisor = {
      type: 'advisor_message',
      model: 'claude-opus-4-8',
      input_tokens: 30,
      output_tokens: 9,
    }
    const served = { type: 'message', input_tokens: 10, output_tokens: 50 }
    run.server.serve({ ...message, usage: { ...messageUsage, iterations: [served, advisor] } })
    await ai.generateText({ model: run.meter(run.anthropic('claude-sonnet-4-6'), 'cus_1'), prompt })
    expect(run.records.map(({ model, tokens }) => [model, tokens.input, tokens.output])).toEqual([
      ['claude-opus-4-8', 30, 9],
      ['claude-sonnet-4-6', 10, 50],
    ])
  })

  test('a whole provider: every model that it makes', async () => {
    await using run = await start()
    const provider = run.meter(run.openai, 'cus_1')
    run.server.serve(chatCompletion)
    run.server.serve(embeddingList)
    await ai.generateText({ model: provider.chat('gpt-5.4'), prompt })
    await ai.embed({ model: provider.embedding('text-embedding-3-small'), value: 'x' })
    expect(run.records.map(({ endpoint }) => endpoint)).toEqual(['languageModel', 'embeddingModel'])
    expect(provider.tools).toBe(run.openai.tools)
    expect(provider('gpt-5.4').provider).toBe(run.openai('gpt-5.4').provider)
    // A registry takes it as any other.
    run.server.serve(chatCompletion, { path: '/chat/completions' })
    const registry = ai.createProviderRegistry({
      p: ai.customProvider({ fallbackProvider: provider }),
    })
    expect(run.meter(registry, 'cus_2').languageModel('p:gpt-5.4').modelId).toBe('gpt-5.4')
  })
})
