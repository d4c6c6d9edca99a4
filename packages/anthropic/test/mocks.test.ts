import { describe, expect, test, vi } from 'vitest'
import { startMetered, until } from './metered.ts'
import { countedTokens, message, messageScript, request, streamed } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

describe.each(sdkMajors)(
  'functions that stand in for those of @anthropic-ai/sdk $version',
  ({ Anthropic }) => {
    const start = () => startMetered(Anthropic)

    test('a spy is seen by the caller and metered once', async () => {
      await using run = await start()
      run.server.serve(message)
      const spy = vi.spyOn(run.metered.messages, 'create')
      await run.metered.messages.create(request)
      expect(spy).toHaveBeenCalledTimes(1)
      expect(run.records).toHaveLength(1)
    })

    test('a mock that never reaches the network is metered by what it answers', async () => {
      await using run = await start()
      const answer = structuredClone(message)
      vi.spyOn(run.metered.messages, 'create').mockResolvedValue(answer as never)
      expect(await run.metered.messages.create(request)).toBe(answer)
      expect(run.records).toMatchObject([{ tokens: countedTokens }])
    })

    test('a wrapper that waits before it calls is metered once', async () => {
      await using run = await start()
      run.server.serve(messageScript)
      const { messages } = run.metered
      const create = messages.create.bind(messages) as (...args: unknown[]) => Promise<object>
      messages.create = (async (...args: unknown[]) => {
        await Promise.resolve()
        return await create(...args)
      }) as never
      for await (const _ of await run.metered.messages.create(streamed));
      expect(run.records).toMatchObject([{ tokens: countedTokens }])
    })

    test('a post that the application replaced is called and metered once', async () => {
      await using run = await start()
      run.server.serve(message)
      const { post } = run.metered
      let calls = 0
      run.metered.post = ((...args: Parameters<typeof post>) => {
        calls++
        return post(...args)
      }) as typeof post
      await run.metered.messages.create(request)
      expect(calls).toBe(1)
      expect(run.records).toHaveLength(1)
    })

    test('a request that the application replaced is metered once, awaited or not', async () => {
      await using run = await start()
      run.server.serve(message, { times: 2 })
      const { request: original } = run.metered
      run.metered.request = ((...args: Parameters<typeof original>) =>
        original.apply(run.metered, args)) as typeof original
      await run.metered.messages.create(request)
      expect(run.records).toHaveLength(1)
      void run.metered.messages.create(request)
      await until(() => run.records.length > 1, 'the second call is recorded')
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(run.records).toHaveLength(2)
    })

    test('another wrapper, inside or outside, is metered once (langfuse#1872)', async () => {
      await using run = await start()
      run.server.serve(message, { times: 3 })
      await generationWrapper(run.metered).messages.create(request)
      await run.meter(generationWrapper(run.raw), 'cus_1').messages.create(request)
      await run.meter(generationWrapper(run.metered), 'cus_2').messages.create(request)
      expect(run.records.map(({ customer }) => customer)).toEqual(['cus_1', 'cus_1', 'cus_1'])
    })

    test('with a mocked fetch whose responses cannot be cloned, awaited or not', async () => {
      const unhandled = vi.fn()
      process.on('unhandledRejection', unhandled)
      await using run = await startMetered(Anthropic, {
        client: {
          fetch: async () =>
            Object.defineProperty(Response.json(message), 'clone', { value: undefined }),
        },
      })
      void run.metered.messages.create(request)
      await new Promise((resolve) => setTimeout(resolve, 20))
      await run.metered.messages.create(request)
      process.off('unhandledRejection', unhandled)
      expect(unhandled).not.toHaveBeenCalled()
      expect(run.records).toHaveLength(2)
    })
  },
)

/** What observability wrappers do: a proxy that calls the client's method and answers its promise. */
function generationWrapper<Client extends object>(client: Client): Client {
  return new Proxy(client, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value === 'function') return value.bind(target)
      if (typeof value === 'object' && value !== null && receiver !== value) {
        return generationWrapper(value)
      }
      return value
    },
  })
}
