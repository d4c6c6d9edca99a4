import { RefusedError, watchedGuard } from '@token-meter/testkit/internal'
import { describe, expect, test } from 'vitest'
import { type Metered, readAll, startMetered } from './metered.ts'
import {
  callableTool,
  contentAnswer,
  contentScript,
  contentUsage,
  countedTokens,
  interaction,
  interactionScript,
  model,
  request,
  toolCallAnswer,
} from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

/** Vertex AI's express mode, which needs no Google account. */
const vertex = { client: { vertexai: true } }

const tokens = (run: Metered) => run.records.map((record) => record.tokens)

describe.each(sdkMajors)('every request of genai $major is a record', ({ major, GoogleGenAI }) => {
  const start = () => startMetered(GoogleGenAI)

  test('chats, with their history', async () => {
    await using run = await start()
    run.server.serve(contentAnswer)
    run.server.serve(contentScript)
    const chat = run.metered.chats.create({ model })
    await chat.sendMessage({ message: 'one' })
    await readAll(await chat.sendMessageStream({ message: 'two' }))
    expect(tokens(run)).toEqual([countedTokens, countedTokens])
    expect(chat.getHistory().map(({ role }) => role)).toEqual(
      expect.arrayContaining(['user', 'model']),
    )
    const second = run.server.requests[1]?.body as { contents: unknown[] }
    expect(second.contents).toHaveLength(3)
  })

  test('automatic function calling: each call inside, of which the SDK shows the last only', async () => {
    await using run = await start()
    run.server.serve(toolCallAnswer)
    run.server.serve(contentAnswer)
    const config = { tools: [callableTool] }
    const answer = await run.metered.models.generateContent({ ...request, config })
    expect(answer.usageMetadata?.totalTokenCount).toBe(34)
    expect(tokens(run)).toEqual([
      { input: 7, cachedInput: 0, cachedWrite: 0, output: 2 },
      countedTokens,
    ])
  })

  test('automatic function calling in a stream', async () => {
    await using run = await start()
    run.server.serve([toolCallAnswer])
    run.server.serve(contentScript)
    const config = { tools: [callableTool] }
    await readAll(await run.metered.models.generateContentStream({ ...request, config }))
    expect(tokens(run)).toEqual([
      { input: 7, cachedInput: 0, cachedWrite: 0, output: 2 },
      countedTokens,
    ])
  })

  test('embedContent, also where the SDK drops the usage', async () => {
    await using run = await start()
    run.server.serve({ embeddings: [{ values: [1] }], usageMetadata: { promptTokenCount: 8 } })
    await run.metered.models.embedContent({ model: 'gemini-embedding-001', contents: ['x', 'y'] })
    expect(run.records).toMatchObject([
      {
        endpoint: 'embedContent',
        model: 'gemini-embedding-001',
        tokens: { input: 8, cachedInput: 0, cachedWrite: 0, output: 0 },
        outcome: 'complete',
      },
    ])
  })

  test('images by the piece, without what the filters took', async () => {
    await using run = await startMetered(GoogleGenAI, vertex)
    const image = { bytesBase64Encoded: 'aGk=', mimeType: 'image/png' }
    const predictions = [image, image, { raiFilteredReason: 'no' }]
    run.server.serve({ predictions }, { times: 3 })
    const { models } = run.metered
    await models.generateImages({ model: 'imagen-4', prompt: 'x' })
    await models.editImage({ model: 'imagen-4', prompt: 'x', referenceImages: [] })
    await models.upscaleImage({
      model: 'imagen-4',
      image: { imageBytes: 'aGk=' },
      upscaleFactor: 'x2',
    })
    const expected = {
      endpoint: 'generateImages',
      model: 'imagen-4',
      details: { images: 2 },
      outcome: 'complete',
    }
    expect(run.records).toMatchObject([expected, expected, expected])
  })

  test('videos by the second, once, however often they are polled', async () => {
    await using run = await startMetered(GoogleGenAI, vertex)
    const name = `publishers/google/models/veo-3/operations/op-${major}`
    const videos = [{ gcsUri: 'a' }, { gcsUri: 'b' }]
    run.server.serve({ name }, { times: 2 })
    run.server.serve({ name, done: true, response: { videos } }, { times: 2 })
    const config = { durationSeconds: 6, numberOfVideos: 2 }
    let operation = await run.metered.models.generateVideos({
      model: 'veo-3',
      source: { prompt: 'x' },
      config,
    })
    for (let poll = 0; poll < 3; poll++) {
      operation = await run.metered.operations.getVideosOperation({ operation })
    }
    expect(operation.done).toBe(true)
    expect(run.records).toMatchObject([
      { endpoint: 'generateVideos', model: 'veo-3', details: { seconds: 12 } },
    ])
    expect(run.errors).toEqual([])
  })

  test('interactions, whole and streamed', async () => {
    await using run = await start()
    run.server.serve(interaction())
    run.server.serve(interactionScript(interaction()))
    const asked = { model: 'gemini-2.5-flash', input: 'x' }
    await run.metered.interactions.create(asked as never)
    const stream = await run.metered.interactions.create({ ...asked, stream: true } as never)
    await readAll(stream as unknown as AsyncIterable<unknown>)
    expect(run.records).toMatchObject([
      { endpoint: 'interactions', tokens: countedTokens, details: { reasoning: 6 } },
      { endpoint: 'interactions', tokens: countedTokens, outcome: 'complete' },
    ])
    expect(run.errors).toEqual([])
  })

  test('interactions that a guard refuses: the refusal is the error, and nothing is sent', async () => {
    const guard = watchedGuard(() => Promise.reject(new RefusedError()))
    await using run = await startMetered(GoogleGenAI, { guard })
    const asked = { model: 'm', input: 'x' }
    await expect(run.metered.interactions.create(asked as never)).rejects.toBeInstanceOf(
      RefusedError,
    )
    await expect(
      run.metered.interactions.create({ ...asked, stream: true } as never),
    ).rejects.toBeInstanceOf(RefusedError)
    expect(guard.asked).toHaveLength(2)
    expect(run.server.requests).toEqual([])
  })

  test('a loop of functions asks a guard for each of its requests, and ends where it refuses', async () => {
    let requests = 0
    const guard = watchedGuard(() =>
      ++requests > 1 ? Promise.reject(new RefusedError()) : undefined,
    )
    await using run = await startMetered(GoogleGenAI, { guard })
    run.server.serve({
      candidates: [
        { content: { role: 'model', parts: [{ functionCall: { name: 'f', args: {} } }] } },
      ],
      usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
    })
    const tool = {
      tool: async () => ({ functionDeclarations: [{ name: 'f' }] }),
      callTool: async () => [{ functionResponse: { name: 'f', response: { output: 'x' } } }],
    }
    const call = run.metered.models.generateContent({
      model: 'm',
      contents: 'x',
      config: { tools: [tool], maxOutputTokens: 30 },
    } as never)
    await expect(call).rejects.toBeInstanceOf(RefusedError)
    expect(run.server.requests).toHaveLength(1)
    expect(run.records).toHaveLength(1)
    expect(guard.ends).toEqual([['settled']])
    expect(guard.asked[0]?.bounds()).toMatchObject({ maxOutput: 30, beyond: [] })
  })

  test('interactions, for whom withCustomer names', async () => {
    await using run = await startMetered(GoogleGenAI, { customer: () => undefined })
    run.server.serve(interaction())
    await run.meter.withCustomer('cus_third', () =>
      run.metered.interactions.create({ model: 'm', input: 'x' } as never),
    )
    expect(run.records).toMatchObject([{ customer: 'cus_third' }])
  })

  test('a function of the call sees the request as it is sent', async () => {
    const bodies: object[] = []
    await using run = await startMetered(GoogleGenAI, {
      customer: ({ body }) => {
        bodies.push(body)
        return 'cus_1'
      },
    })
    run.server.serve(contentAnswer)
    await run.metered.models.generateContent(request)
    expect(bodies).toMatchObject([{ model, contents: [{ parts: [{ text: request.contents }] }] }])
    expect(Object.keys(bodies[0]!)).toContain('contents')
  })

  test('background interactions once, to whoever created them', async () => {
    await using run = await start()
    const finished = interaction()
    const { usage: _, ...rest } = finished
    run.server.serve({ ...rest, status: 'in_progress', steps: [] }, { times: 2 })
    run.server.serve(finished, { times: 2 })
    const other = run.meter(run.raw, 'cus_poller')
    await run.metered.interactions.create({ model: 'm', input: 'x', background: true } as never)
    for (let poll = 0; poll < 3; poll++) await other.interactions.get(finished.id)
    expect(run.records).toMatchObject([{ customer: 'cus_1', tokens: countedTokens }])
  })

  test('a background interaction whose stream is read after a poll has shown it finished', async () => {
    await using run = await start()
    const finished = interaction()
    run.server.serve(interactionScript(finished))
    run.server.serve(finished)
    const asked = { model: 'm', input: 'x', background: true, stream: true }
    const stream = await run.metered.interactions.create(asked as never)
    const events = (stream as unknown as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    await events.next()
    await run.metered.interactions.get(finished.id)
    while ((await events.next()).done !== true);
    expect(run.records).toMatchObject([{ tokens: countedTokens }])
  })

  test('an interaction that another process created, when it is recent', async () => {
    await using run = await start()
    const old = interaction({ created: '2025-01-01T00:00:00Z' })
    const recent = interaction()
    run.server.serve(old)
    run.server.serve(recent, { times: 2 })
    await run.metered.interactions.get(old.id)
    await run.metered.interactions.get(recent.id)
    await run.metered.interactions.get(recent.id)
    expect(run.records).toHaveLength(1)
  })

  test('several hops in one streamed interaction', async () => {
    await using run = await start()
    const first = interaction({ status: 'requires_continuation' })
    run.server.serve([...interactionScript(first), ...interactionScript(interaction())])
    const asked = {
      model: 'm',
      input: 'x',
      stream: true,
      ...(major > 1 && { automatic_continuation: false }),
    }
    const stream = await run.metered.interactions.create(asked as never)
    await readAll(stream as unknown as AsyncIterable<unknown>)
    expect(tokens(run)).toEqual([countedTokens, countedTokens])
  })

  test('Vertex AI says its own name, traffic and counts', async () => {
    await using run = await startMetered(GoogleGenAI, vertex)
    const usageMetadata = { ...contentUsage, trafficType: 'ON_DEMAND' }
    run.server.serve({ ...contentAnswer, modelVersion: undefined, usageMetadata })
    await run.metered.models.generateContent(request)
    run.server.serve({
      predictions: [
        { embeddings: { values: [1], statistics: { token_count: 4 } } },
        { embeddings: { values: [1], statistics: { token_count: 5 } } },
      ],
      metadata: { billableCharacterCount: 30 },
    })
    await run.metered.models.embedContent({ model: 'text-embedding-005', contents: ['x', 'y'] })
    expect(run.records).toMatchObject([
      { provider: 'vertex', model, requestedModel: model, serviceTier: 'ON_DEMAND' },
      { provider: 'vertex', tokens: { input: 9 }, details: { characters: 30 } },
    ])
  })
})

describe.each(sdkMajors.filter(({ major }) => major > 2))('genai $major', ({ GoogleGenAI }) => {
  test('each hop of an automatic continuation', async () => {
    await using run = await startMetered(GoogleGenAI)
    run.server.serve({
      ...contentAnswer,
      candidates: [
        { ...contentAnswer.candidates[0], finishReason: 'CONTINUATION', continuationToken: 't1' },
      ],
      continuationToken: 't1',
    })
    run.server.serve(contentAnswer, { times: 2 })
    await run.metered.models.generateContent(request)
    expect(run.server.requests).toHaveLength(2)
    expect(tokens(run)).toEqual([countedTokens, countedTokens])
  })
})
