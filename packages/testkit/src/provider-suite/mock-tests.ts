import { expect, onTestFinished, test, vi } from 'vitest'
import { nextTask, said, type Start, until } from './provider-harness.ts'
import type { ProviderUnderTest } from './provider-under-test.ts'

type Method = (...args: unknown[]) => Promise<object>

/** What an application's tests put in place of a function, or of fetch, works as it does raw. */
export function mockTests<Client extends object>(
  suite: ProviderUnderTest<Client>,
  start: Start<Client>,
): void {
  const whole = { tokens: suite.recorded.whole.tokens, customer: 'cus_1' }
  const methodOf = (client: Client) => {
    const [owner, name] = suite.method(client) as [Record<string, Method>, string]
    return { owner, name }
  }

  test('a spy is seen by the caller, and the call is metered once', async () => {
    await using run = await start()
    run.serveAnswer(2)
    const { owner, name } = methodOf(run.metered)
    const spy = vi.spyOn(owner, name)
    await run.send()
    expect(spy).toHaveBeenCalledTimes(1)
    expect(Reflect.get(suite.method(run.metered)[0], name)).toHaveBeenCalledTimes(1)
    spy.mockRestore()
    await run.send()
    await run.recorded(2)
  })

  test('a mock that never reaches the network is metered by what it resolves to', async () => {
    await using run = await start()
    const answer = suite.mocked(said.join(''))
    const { owner, name } = methodOf(run.metered)
    vi.spyOn(owner, name).mockResolvedValue(answer as object)
    expect(await run.send()).toBe(answer)
    await run.recorded(1)
    expect(run.records).toMatchObject([whole])
    expect(run.server.requests).toEqual([])
  })

  test('a mock that was there before the client was metered', async () => {
    await using run = await start()
    const answer = suite.mocked(said.join(''))
    const client = run.another()
    const { owner, name } = methodOf(client)
    owner[name] = async () => answer as object
    expect(await run.send(run.meter(client, 'cus_1'))).toBe(answer)
    await run.recorded(1)
    expect(run.records).toMatchObject([whole])
  })

  test('a function that is assigned reads back as itself, as spies check', async () => {
    await using run = await start()
    run.serveAnswer(2)
    const { owner, name } = methodOf(run.metered)
    const own = owner[name]!
    const spy = function (this: unknown, ...args: unknown[]) {
      return Reflect.apply(own, this, args)
    }
    owner[name] = spy
    expect(methodOf(run.metered).owner[name]).toBe(spy)
    await run.send()
    owner[name] = own
    expect(methodOf(run.metered).owner[name]).toBe(own)
    await run.send()
    await run.recorded(2)
  })

  test('a wrapper that waits, calls the function and copies its answer is metered once', async () => {
    await using run = await start()
    run.serveAnswer()
    const { owner, name } = methodOf(run.metered)
    const own = owner[name]!.bind(owner)
    owner[name] = async (...args) => {
      await Promise.resolve()
      return { ...(await own(...args)) }
    }
    await run.send()
    await run.recorded(1)
    expect(run.records).toMatchObject([whole])
  })

  test('another wrapper, outside, inside or between, is metered once', async () => {
    await using run = await start()
    run.serveAnswer(3)
    await run.send(wrappedByOthers(run.metered))
    await run.recorded(1)
    if (suite.recorded.insideWrappers === false) return
    await run.send(run.meter(wrappedByOthers(run.another()), 'cus_1'))
    await run.send(run.meter(wrappedByOthers(run.metered), 'cus_2'))
    await run.recorded(3)
    const payer = suite.recorded.insideWrappers === 'outermost' ? 'cus_2' : 'cus_1'
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_1', 'cus_1', payer])
  })

  test.each([
    ['that cannot be cloned', { clone: undefined }],
    ['without headers', { headers: new Headers() }],
  ])('a mocked fetch whose responses are of a kind %s disturbs nobody', async (_, odd) => {
    const body = JSON.stringify(suite.wire.answer(said.join(''), suite.wire.usage))
    vi.stubGlobal('fetch', async () => {
      const response = new Response(body, { headers: { 'content-type': 'application/json' } })
      for (const [name, value] of Object.entries(odd)) {
        Object.defineProperty(response, name, { value })
      }
      return response
    })
    onTestFinished(() => void vi.unstubAllGlobals())
    await using run = await start()
    void Promise.resolve(run.send())
    await until(() => run.records.length > 0, 'the call that nobody awaits is recorded')
    await run.send()
    await nextTask()
    expect(run.records).toHaveLength(2)
  })
}

/** What observability wrappers do: a proxy that calls the client's methods and returns their answers. */
function wrappedByOthers<Client extends object>(client: Client): Client {
  return new Proxy(client, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value === 'function') return value.bind(target)
      if (typeof value === 'object' && value !== null && receiver !== value) {
        return wrappedByOthers(value)
      }
      return value
    },
  })
}
