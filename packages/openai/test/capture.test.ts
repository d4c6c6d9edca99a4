import { expect, describe, test } from 'vitest'
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import { startMetered, until } from './metered.ts'
import {
  chatCompletion,
  chatRequest,
  chatScript,
  countedTokens,
  embeddingList,
  finishedResponse,
  responseScript,
  toolCallCompletion,
} from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const schema = z.object({ a: z.number() })

describe.each(sdkMajors)('every call of openai $major is recorded once', ({ OpenAI }) => {
  const start = () => startMetered(OpenAI)

  async function recordedOnce(run: Awaited<ReturnType<typeof start>>, times = 1) {
    await until(() => run.records.length >= times, 'the call is recorded')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(run.records.map(({ tokens }) => tokens)).toEqual(Array(times).fill(countedTokens))
    expect(
      run.records.every(({ customer, outcome }) => customer === 'cus_1' && outcome === 'complete'),
    ).toBe(true)
    expect(run.errors).toEqual([])
  }

  test.each(['text', 'body'] as const)('asResponse of a stream, read by %s', async (method) => {
    await using run = await start()
    run.server.serve(chatScript)
    run.server.serve(chatScript)
    const request = { ...chatRequest, stream: true } as const
    const read = async (client: typeof run.raw) => {
      const response = await client.chat.completions.create(request).asResponse()
      return method === 'text' ? await response.text() : await new Response(response.body).text()
    }
    expect(await read(run.metered)).toBe(await read(run.raw))
    await recordedOnce(run)
  })

  test('a stream, with usage asked for', async () => {
    await using run = await start()
    run.server.serve(chatScript)
    const stream = await run.metered.chat.completions.create({
      ...chatRequest,
      stream: true,
      stream_options: { include_usage: true },
    })
    const usages = []
    for await (const { usage } of stream) usages.push(usage)
    expect(usages.at(-1)).toEqual(chatCompletion.usage)
    await recordedOnce(run)
  })

  const chatHelpers = (client: typeof OpenAI.prototype) => client.chat.completions

  test('chat.completions.stream', async () => {
    await using run = await start()
    run.server.serve(chatScript)
    const runner = chatHelpers(run.metered).stream(chatRequest)
    const completion = await runner.finalChatCompletion()
    expect(completion.choices[0]?.message.content).toBe('{"a":1}')
    expect(completion.usage ?? undefined).toBeUndefined()
    await recordedOnce(run)
  })

  test('chat.completions.parse', async () => {
    await using run = await start()
    run.server.serve(chatCompletion)
    const completion = await chatHelpers(run.metered).parse({
      ...chatRequest,
      response_format: zodResponseFormat(schema, 'answer'),
    })
    expect(completion.choices[0]?.message.parsed).toEqual({ a: 1 })
    await recordedOnce(run)
  })

  test('chat.completions.runTools: one record per request', async () => {
    await using run = await start()
    run.server.serve(toolCallCompletion)
    run.server.serve(chatCompletion)
    const runner = chatHelpers(run.metered).runTools({
      ...chatRequest,
      tools: [
        {
          type: 'function',
          function: {
            name: 'weather',
            function: () => 'sunny',
            parameters: {},
            description: '',
            parse: JSON.parse,
          },
        },
      ],
    } as never)
    expect(await runner.finalContent()).toBe('{"a":1}')
    await recordedOnce(run, 2)
  })

  test('responses.create', async () => {
    await using run = await start()
    run.server.serve(finishedResponse)
    const response = await run.metered.responses.create({ model: 'gpt-5.4', input: 'hi' })
    expect(response.output_text).toBe('{"a":1}')
    await recordedOnce(run)
  })

  test('responses.create, streamed', async () => {
    await using run = await start()
    run.server.serve(responseScript)
    const stream = await run.metered.responses.create({
      model: 'gpt-5.4',
      input: 'hi',
      stream: true,
    })
    for await (const _ of stream);
    await recordedOnce(run)
  })

  test('responses.stream', async () => {
    await using run = await start()
    run.server.serve(responseScript)
    const stream = run.metered.responses.stream({ model: 'gpt-5.4', input: 'hi' })
    expect((await stream.finalResponse()).output).toMatchObject(finishedResponse.output)
    await recordedOnce(run)
  })

  test('responses.parse', async () => {
    await using run = await start()
    run.server.serve(finishedResponse)
    const response = await run.metered.responses.parse({
      model: 'gpt-5.4',
      input: 'hi',
      text: { format: zodTextFormat(schema, 'answer') },
    })
    expect(response.output_parsed).toEqual({ a: 1 })
    await recordedOnce(run)
  })

  test('embeddings.create', async () => {
    await using run = await start()
    run.server.serve(embeddingList)
    const { data } = await run.metered.embeddings.create({
      model: 'text-embedding-3-small',
      input: 'hi',
      encoding_format: 'float',
    })
    expect(data[0]?.embedding).toEqual([1, 2])
    await until(() => run.records.length === 1, 'the call is recorded')
    expect(run.records[0]?.tokens).toEqual({ input: 8, cachedInput: 0, cachedWrite: 0, output: 0 })
  })

  test('embeddings in the default base64 encoding', async () => {
    await using run = await start()
    const embedding = Buffer.from(new Float32Array([1, 2]).buffer).toString('base64')
    run.server.serve({ ...embeddingList, data: [{ object: 'embedding', index: 0, embedding }] })
    const { data } = await run.metered.embeddings.create({
      model: 'text-embedding-3-small',
      input: 'hi',
    })
    expect(data[0]?.embedding).toEqual([1, 2])
    expect(run.records).toHaveLength(1)
  })

  test('withOptions', async () => {
    await using run = await start()
    run.server.serve(chatCompletion)
    const clone = run.metered.withOptions({ timeout: 5000 })
    expect(clone).toBeInstanceOf(OpenAI)
    await clone.chat.completions.create(chatRequest)
    await recordedOnce(run)
  })

  test('retried by the SDK', async () => {
    await using run = await startMetered(OpenAI, { client: { maxRetries: 2 } })
    run.server.serve(
      { error: { message: 'busy' } },
      { status: 500, headers: { 'retry-after-ms': '1' } },
    )
    run.server.serve(chatCompletion)
    await run.metered.chat.completions.create(chatRequest)
    await recordedOnce(run)
  })

  test('a method that a subclass added', async () => {
    class AppClient extends OpenAI {
      async ask(): Promise<string | null | undefined> {
        return (await this.chat.completions.create(chatRequest)).choices[0]?.message.content
      }
    }
    await using run = await startMetered(AppClient)
    run.server.serve(chatCompletion)
    expect(await (run.metered as AppClient).ask()).toBe('{"a":1}')
    await recordedOnce(run)
  })
})
