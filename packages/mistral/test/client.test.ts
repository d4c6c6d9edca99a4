import { describe, expect, test, vi } from 'vitest'
import { sdkMajors, startMetered } from './metered.ts'

const messages = [{ role: 'user' as const, content: 'Hi' }]
const model = 'mistral-small-latest'
const answer = {
  id: 'cmpl_1',
  object: 'chat.completion',
  created: 1,
  model: 'mistral-small-2506',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 },
}

describe.each(sdkMajors)('clients of @mistralai/mistralai $major', ({ Mistral }) => {
  test('the methods of a subclass are metered', async () => {
    class Assistant extends Mistral {
      ask(content: string) {
        return this.chat.complete({ model, messages: [{ role: 'user', content }] })
      }
    }
    await using run = await startMetered(Mistral)
    run.server.serve(answer)
    const client = new Assistant({ apiKey: 'k', serverURL: run.server.url })
    await run.meter(client, 'cus_sub').ask('Hi')
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_sub'])
  })

  test('a method with private fields works, and is said not to be metered', async () => {
    class Assistant extends Mistral {
      #asked = 0
      get asked() {
        return this.#asked
      }
      ask(content: string) {
        this.#asked++
        return this.chat.complete({ model, messages: [{ role: 'user', content }] })
      }
    }
    await using run = await startMetered(Mistral)
    run.server.serve(answer, { times: 3 })
    const metered = run.meter(new Assistant({ apiKey: 'k', serverURL: run.server.url }), 'cus_1')
    await metered.ask('Hi')
    await metered.ask('Hi again')
    expect([metered.asked, run.records.length]).toEqual([2, 0])
    expect(run.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/private fields runs unmetered/),
    ])
    await metered.chat.complete({ model, messages })
    expect(run.records).toHaveLength(1)
  })

  test('a client that another library has wrapped works as it was, and is said not to be metered', async () => {
    await using run = await startMetered(Mistral)
    const calls: string[] = []
    const bound = new WeakMap<object, unknown>()
    const wrapped = <Target extends object>(inner: Target): Target =>
      new Proxy(inner, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target)
          if (typeof value === 'function') {
            return (...args: unknown[]): unknown => {
              calls.push(String(name))
              return Reflect.apply(value, target, args)
            }
          }
          if (typeof value !== 'object' || value === null) return value
          if (!bound.has(value)) bound.set(value, wrapped(value))
          return bound.get(value)
        },
      })
    run.server.serve(answer, { times: 2 })
    const metered = run.meter(wrapped(run.raw), 'cus_1')
    await metered.chat.complete({ model, messages })
    await metered.chat.complete({ model, messages })
    expect(calls.filter((name) => name === 'complete')).toHaveLength(2)
    expect(run.records).toEqual([])
    expect(run.errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/"complete" of a wrapped client is not the SDK's own/),
    ])
  })

  test('wrapped for several at once, the raw one goes on unmetered', async () => {
    await using run = await startMetered(Mistral)
    const before = run.raw.chat
    const [one, other] = [run.meter(run.raw, 'cus_1'), run.meter(run.raw, 'cus_2')]
    run.server.serve(answer, { times: 5 })
    const kept = one.chat
    expect([one.chat === kept, one.chat === other.chat, run.raw.chat === before]).toEqual([
      true,
      false,
      true,
    ])
    await Promise.all([
      kept.complete({ model, messages }),
      other.chat.complete({ model, messages }),
      before.complete({ model, messages }),
      run.raw.chat.complete({ model, messages }),
    ])
    expect(run.records.map(({ customer }) => customer).toSorted()).toEqual(['cus_1', 'cus_2'])
  })

  test('what is assigned, spied on and looked at is the client’s', async () => {
    await using run = await startMetered(Mistral)
    const metered = run.meter(run.raw, 'cus_1') as typeof run.raw & { note?: string }
    void metered.chat
    metered.note = 'mine'
    expect(run.raw).toHaveProperty('note', 'mine')
    expect(JSON.stringify(metered)).toBe(JSON.stringify(run.raw))
    expect(Object.keys(metered)).toEqual(Object.keys(run.raw))
    expect(metered).toBeInstanceOf(Mistral)
    for (const owner of [run.raw.chat, metered.chat]) {
      const spy = vi.spyOn(owner, 'complete').mockResolvedValue('mocked' as never)
      expect(await metered.chat.complete({ model, messages })).toBe('mocked')
      expect(spy).toHaveBeenCalledOnce()
      vi.restoreAllMocks()
    }
    run.server.serve(answer)
    await metered.chat.complete({ model, messages })
    expect(run.records).toHaveLength(1)
  })
})
