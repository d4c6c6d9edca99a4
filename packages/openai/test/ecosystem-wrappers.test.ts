import { describe, expect, test, vi } from 'vitest'
import { type Metered, startMetered, until } from './metered.ts'
import {
  chatCompletion,
  chatRequest,
  chatScript,
  countedTokens,
  finishedResponse,
  responseScript,
  toolCallCompletion,
} from './scripts.ts'
import { type SdkClient, sdkMajors } from './sdk-majors.ts'
import { bindingWrapper, copyingWrapper, lazyWrapper, parsingWrapper } from './tracing-wrappers.ts'

const streamed = { ...chatRequest, stream: true } as const
const tool = {
  type: 'function' as const,
  function: {
    name: 'weather',
    parameters: {},
    description: '',
    parse: JSON.parse,
    function: () => 'sunny',
  },
}

/** What other tools make of a client, metered: the same as without the meter, and billed once. */
describe.each(sdkMajors.filter(({ major }) => major > 5))(
  'a client of openai $major that another tool has wrapped',
  ({ OpenAI }) => {
    const start = () => startMetered(OpenAI)
    /** The same call on the wrapped client, and on the wrapped client metered. */
    async function sideBySide<Result>(
      run: Metered,
      wrap: (client: SdkClient) => SdkClient,
      call: (client: SdkClient) => Promise<Result>,
    ): Promise<Result> {
      const expected = await call(wrap(run.raw))
      const client = new OpenAI({ apiKey: 'sk-test', baseURL: run.raw.baseURL, maxRetries: 0 })
      expect(await call(run.meter(wrap(client), 'cus_1'))).toEqual(expected)
      expect(run.records.map(({ tokens, outcome }) => [tokens, outcome])).toEqual([
        [countedTokens, 'complete'],
      ])
      expect(run.errors).toEqual([])
      return expected
    }

    describe.each([
      ['binds its methods to the raw client', bindingWrapper],
      ['parses every answer itself', parsingWrapper],
      ['sends when it is awaited', lazyWrapper],
      ['copies its properties', copyingWrapper],
    ])('%s', (_, wrap) => {
      test('a completion', async () => {
        await using run = await start()
        run.server.serve(chatCompletion, { times: 2 })
        await sideBySide(run, wrap, (client) => client.chat.completions.create(chatRequest))
      })

      test('a stream, whose usage nobody asked for', async () => {
        await using run = await start()
        run.server.serve(chatScript, { times: 2 })
        const chunks = await sideBySide(run, wrap, async (client) => {
          const read: unknown[] = []
          for await (const chunk of await client.chat.completions.create(streamed)) read.push(chunk)
          return read
        })
        expect(chunks).toHaveLength(chatScript.length - 1)
      })

      test('a response', async () => {
        await using run = await start()
        run.server.serve(finishedResponse, { times: 2 })
        await sideBySide(run, wrap, (client) =>
          client.responses.create({ model: 'gpt-5.4', input: 'hi' }),
        )
      })

      test('a refusal reaches only who catches it', async () => {
        const unhandled = vi.fn()
        process.on('unhandledRejection', unhandled)
        await using run = await start()
        run.server.serve({ error: { message: 'no' } }, { status: 401 })
        const client = run.meter(wrap(run.raw), 'cus_1')
        const error = await client.chat.completions
          .create(chatRequest)
          .then(undefined, (cause: Error) => cause)
        await new Promise((resolve) => setTimeout(resolve, 20))
        process.off('unhandledRejection', unhandled)
        expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
        expect(unhandled).not.toHaveBeenCalled()
        expect(run.records).toEqual([])
      })

      test('the loop of a tool runner', async () => {
        await using run = await start()
        run.server.serve(toolCallCompletion)
        run.server.serve(chatCompletion)
        const client = run.meter(wrap(run.raw), 'cus_1')
        const runner = client.chat.completions.runTools({ ...chatRequest, tools: [tool] })
        expect(await runner.finalContent()).toBe('{"a":1}')
        expect(run.records).toHaveLength(2)
      })

      test('the raw client stays as it was, unmetered', async () => {
        await using run = await start()
        run.server.serve(chatCompletion)
        run.server.serve(chatScript)
        run.server.serve(responseScript)
        await run.meter(wrap(run.raw), 'cus_1').chat.completions.create(chatRequest)
        expect(run.records).toHaveLength(1)
        const stream = run.raw.chat.completions.stream(chatRequest)
        expect(await stream.finalContent()).toBe('{"a":1}')
        const answer = run.raw.responses.stream({ model: 'gpt-5.4', input: 'hi' })
        expect((await answer.finalResponse()).id).toBe('resp_1')
        expect(run.records).toHaveLength(1)
      })
    })

    test('a copying tool: resources that it leaves alone, and a metered client inside', async () => {
      await using run = await start()
      const embedding = { data: [], model: 'e', usage: { prompt_tokens: 5, total_tokens: 5 } }
      run.server.serve(embedding)
      run.server.serve(chatCompletion)
      const input = { model: 'e', input: 'hi', encoding_format: 'float' as const }
      await run.meter(copyingWrapper(run.raw), 'cus_1').embeddings.create(input)
      expect(run.records).toMatchObject([{ endpoint: 'embeddings', tokens: { input: 5 } }])
      await copyingWrapper(run.metered).chat.completions.create(chatRequest)
      expect(run.records).toMatchObject([{}, { tokens: countedTokens }])
    })

    test('the helpers of a promise that is sent when it is awaited', async () => {
      await using run = await start()
      run.server.serve(chatCompletion, { times: 2 })
      await sideBySide(run, lazyWrapper, async (client) => {
        const { data, response } = await client.chat.completions.create(chatRequest).withResponse()
        return { data, status: response.status }
      })
    })

    test('a tool that derives from a promise which the caller awaits too: the one that gets the body counts', async () => {
      await using run = await start()
      run.server.serve(chatCompletion)
      const promise = run.metered.chat.completions.create(chatRequest)
      const { _thenUnwrap: unwrap } = promise as unknown as {
        _thenUnwrap(transform: (data: unknown) => unknown): Promise<unknown>
      }
      const derived = unwrap.call(promise, (data) => data)
      const [own, other] = await Promise.allSettled([promise, derived])
      expect([own.status, other.status]).toEqual(['fulfilled', 'rejected'])
      expect(run.records.map(({ tokens, outcome }) => [tokens, outcome])).toEqual([
        [countedTokens, 'complete'],
      ])
    })

    test('such a promise that nobody awaits is not sent', async () => {
      await using run = await start()
      run.server.serve(chatCompletion, { times: 2 })
      const client = run.meter(lazyWrapper(run.raw), 'cus_1')
      void client.chat.completions.create(chatRequest)
      await client.chat.completions.create(chatRequest)
      expect(run.server.requests).toHaveLength(1)
      expect(run.records).toHaveLength(1)
    })

    test('a wrapper that asks another client instead: each request goes to its own server', async () => {
      await using first = await start()
      await using second = await start()
      first.server.serve(chatCompletion)
      second.server.serve(chatCompletion, { times: 2 })
      // A metered wrapper has prepared the second client for requests of its own.
      await second.meter(bindingWrapper(second.raw), 'cus_2').chat.completions.create(chatRequest)
      const create = first.raw.chat.completions.create.bind(first.raw.chat.completions)
      first.raw.chat.completions.create = ((body: typeof chatRequest) =>
        create(body).then(() => second.raw.chat.completions.create(body))) as never
      await first.meter(first.raw, 'cus_1').chat.completions.create(chatRequest)
      await until(() => first.records.length > 0, 'the call is recorded')
      expect(first.server.requests).toHaveLength(1)
      expect(second.server.requests).toHaveLength(2)
      expect(first.records.map(({ customer }) => customer)).toEqual(['cus_1'])
      expect(second.records.map(({ customer }) => customer)).toEqual(['cus_2'])
    })
  },
)
