import { describe, expect, test } from 'vitest'
import { startMetered, until } from './metered.ts'
import { countedTokens, message, messageScript, request, streamed } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

describe.each(sdkMajors)(
  'functions that stand in for those of @anthropic-ai/sdk $version',
  ({ Anthropic }) => {
    const start = () => startMetered(Anthropic)

    test('a clone of a metered client, wrapped again, bills who was named last', async () => {
      await using run = await start()
      run.server.serve(message)
      const clone = run.metered.withOptions({ timeout: 5000 })
      await run.meter(clone, 'cus_3').messages.create(request)
      expect(run.records.map(({ customer }) => customer)).toEqual(['cus_3'])
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
  },
)
