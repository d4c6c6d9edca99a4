import { describe, expect, test, vi } from 'vitest'
import { startMetered } from './metered.ts'
import { chatCompletion, chatRequest } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

describe.each(sdkMajors)(
  'what spies and assertions do with a client of openai $major',
  ({ OpenAI }) => {
    const start = () => startMetered(OpenAI)

    test('metering leaves the raw client as it is, and both can be shown by what compares them', async () => {
      await using run = await start()
      const client = new OpenAI({ apiKey: 'sk-a', baseURL: 'http://127.0.0.1:1/v1' })
      const keys = () => [client, client.chat.completions].map((owner) => Reflect.ownKeys(owner))
      const before = keys()
      const metered = run.meter(client, 'cus_1')
      void metered.chat.completions
      expect(keys()).toEqual(before)
      for (const openai of [client, metered]) {
        const spy = vi.fn()
        spy({ openai })
        expect(spy).toHaveBeenCalledWith({ openai })
        expect(() => expect(spy).toHaveBeenCalledWith({ openai, more: 1 })).toThrow(/more/)
        expect(() => expect({ openai }).toEqual(null)).toThrow(/null/)
      }
    })

    test('a function that is assigned reads back as itself, as spies of Jasmine and Sinon check', async () => {
      await using run = await start()
      run.server.serve(chatCompletion, { times: 2 })
      const { completions } = run.metered.chat
      const { create } = completions
      const spy = function (this: unknown, ...args: unknown[]) {
        return Reflect.apply(create, this, args) as unknown
      }
      completions.create = spy as never
      expect(run.metered.chat.completions.create).toBe(spy)
      await run.metered.chat.completions.create(chatRequest)
      completions.create = create
      expect(run.metered.chat.completions.create).toBe(create)
      await run.metered.chat.completions.create(chatRequest)
      expect(run.records).toHaveLength(2)
    })
  },
)
