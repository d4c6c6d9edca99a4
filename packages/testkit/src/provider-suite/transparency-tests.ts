import { inspect } from 'node:util'
import { expect, test, vi } from 'vitest'
import {
  outcomeOf,
  prompt,
  readAll,
  sameHeaders,
  said,
  type Start,
  streamOutcome,
} from './provider-harness.ts'
import type { ProviderUnderTest } from './provider-under-test.ts'

type Fields = Record<string, unknown>

/** What `inspect` shows, without the `Proxy(...)` that Node writes around a proxy from 26 on. */
function shown(value: unknown, depth?: number): string {
  return inspect(value, { depth }).replaceAll(/Proxy\(|\)/g, '')
}

/** The caller cannot tell a metered client from a raw one, by whatever it does with it. */
export function transparencyTests<Client extends object>(
  suite: ProviderUnderTest<Client>,
  start: Start<Client>,
): void {
  const { wire, request } = suite

  test('the client is of the same class, with the same fields, and is shown the same', async () => {
    await using run = await start()
    const { raw, metered } = run
    expect(metered).toBeInstanceOf(raw.constructor)
    expect(metered.constructor).toBe(raw.constructor)
    expect(Object.getPrototypeOf(metered)).toBe(Object.getPrototypeOf(raw))
    expect(Object.keys(metered)).toEqual(Object.keys(raw))
    expect(Object.keys({ ...metered })).toEqual(Object.keys({ ...raw }))
    for (const depth of [0, 1, 2])
      expect(shown({ metered }, depth)).toBe(shown({ metered: raw }, depth))
    expect(suite.provider.recognises(metered)).toBe(true)
  })

  test('each of its fields is the same object every time, of the same class', async () => {
    await using run = await start()
    for (const name of Object.keys(run.raw)) {
      const own = (run.raw as Fields)[name]
      const seen = (run.metered as Fields)[name]
      expect((run.metered as Fields)[name]).toBe(seen)
      if (typeof own !== 'object' || own === null) {
        expect(typeof seen).toBe(typeof own)
        continue
      }
      expect(seen).toBeInstanceOf((own as object).constructor)
      expect(Object.keys(seen as object)).toEqual(Object.keys(own))
    }
    for (const name of methodsOf(run.raw)) {
      const seen = Reflect.get(run.metered, name) as () => unknown
      expect(Reflect.get(run.metered, name)).toBe(seen)
      expect(seen.name).toBe((Reflect.get(run.raw, name) as () => unknown).name)
    }
  })

  test('the function that is called is the same every time, with its name and length', async () => {
    await using run = await start()
    const [owner, name] = suite.method(run.metered)
    const [rawOwner] = suite.method(run.raw)
    const seen = Reflect.get(owner, name) as () => unknown
    expect(suite.method(run.metered)[0]).toBe(owner)
    expect(Reflect.get(suite.method(run.metered)[0], name)).toBe(seen)
    const own = Reflect.get(rawOwner, name) as () => unknown
    expect([seen.name, seen.length]).toEqual([own.name, own.length])
    expect(name in owner).toBe(true)
  })

  test('metering leaves the raw client as it is, and both can be compared and shown', async () => {
    await using run = await start()
    const client = run.another()
    const keys = () => [client, suite.method(client)[0]].map((owner) => Reflect.ownKeys(owner))
    const before = keys()
    const metered = run.meter(client, 'cus_1')
    void suite.method(metered)
    expect(keys()).toEqual(before)
    for (const each of [client, metered]) {
      const spy = vi.fn()
      spy({ each })
      expect(spy).toHaveBeenCalledWith({ each })
      expect(() => expect(spy).toHaveBeenCalledWith({ each, more: 1 })).toThrow(/more/)
      expect(() => expect({ each }).toEqual(null)).toThrow(/null/)
    }
  })

  test('what is written to one of them is read from the other', async () => {
    await using run = await start()
    const client = run.another() as Fields
    const metered = run.meter(client, 'cus_1')
    metered['mine'] = 7
    expect(client['mine']).toBe(7)
    client['mine'] = 8
    expect(metered['mine']).toBe(8)
    delete metered['mine']
    expect('mine' in client).toBe(false)
  })

  test('a whole answer is the same, of the same class', async () => {
    await using run = await start()
    run.serveAnswer(2)
    const raw = await run.send(run.raw)
    const metered = await run.send()
    expect(metered).toEqual(raw)
    expect((metered as object).constructor).toBe((raw as object).constructor)
    expect(Object.keys(metered as object)).toEqual(Object.keys(raw as object))
    expect(suite.read.text(metered)).toBe(said.join(''))
  })

  test('a stream is of the same kind, and has the same events, byte for byte', async () => {
    await using run = await start()
    run.serveEvents({ times: 2 })
    const raw = await run.stream(run.raw)
    const metered = await run.stream()
    expect(Object.prototype.toString.call(metered)).toBe(Object.prototype.toString.call(raw))
    expect(metered.constructor).toBe(raw.constructor)
    expect(keysOf(metered)).toEqual(keysOf(raw))
    const events = await readAll(metered)
    expect(events).toEqual(await readAll(raw))
    expect(events.map((event) => suite.read.eventText(event)).join('')).toBe(said.join(''))
    // And is over in the same way.
    const again = (stream: AsyncIterable<unknown>) => outcomeOf(() => readAll(stream))
    expect(await again(metered)).toEqual(await again(raw))
  })

  test('events that are asked for before they came are given in order', async () => {
    await using run = await start()
    run.serveEvents({ times: 2 })
    const pullAll = async (client: Client) => {
      const iterator = (await run.stream(client))[Symbol.asyncIterator]()
      const order: number[] = []
      const results = await Promise.all(
        Array.from({ length: 12 }, async (_, index) => {
          const { done, value } = (await iterator.next()) as IteratorResult<unknown>
          order.push(index)
          return [done, JSON.stringify(value)]
        }),
      )
      expect(order).toEqual(order.toSorted((one, other) => one - other))
      return results
    }
    expect(await pullAll(run.metered)).toEqual(await pullAll(run.raw))
    await run.recorded(1)
  })

  test('the request is the one that a raw client sends, byte for byte', async () => {
    await using run = await start()
    run.serveAnswer(2)
    await run.send(run.raw)
    await run.send()
    const [raw, metered] = run.server.requests
    expect(metered?.rawBody).toBe(raw?.rawBody)
    expect(metered?.url).toBe(raw?.url)
    expect(metered?.headers).toEqual(raw?.headers)
  })

  test("the caller's request object is not changed, and may be frozen", async () => {
    await using run = await start()
    run.serveAnswer()
    run.serveEvents()
    const given = [request.of(prompt), request.of(prompt)] as const
    for (const each of given) deepFreeze(each)
    await suite.send(run.metered, given[0], {})
    await readAll(await suite.stream(run.metered, given[1], {}))
    expect(given).toEqual([request.of(prompt), request.of(prompt)])
    await run.recorded(2)
  })

  test.each([400, 401, 429, 500])("a %i is the SDK's own error", async (status) => {
    await using run = await start()
    run.server.serve(wire.error('no'), { status, times: 4, headers: sameHeaders })
    const whole = (client: Client) => outcomeOf(() => run.send(client))
    expect(await whole(run.metered)).toEqual(await whole(run.raw))
    const streamed = (client: Client) => streamOutcome(() => run.stream(client))
    expect(await streamed(run.metered)).toEqual(await streamed(run.raw))
  })

  test('what no answer should be is passed on as it is', async () => {
    await using run = await start()
    const odd = [{}, { usage: 'none' }, { usage: [] }, { usage: null, choices: 'x', content: 7 }]
    for (const answer of odd) {
      run.server.serve(answer, { times: 2, headers: sameHeaders })
      const sent = (client: Client) => outcomeOf(() => run.send(client))
      expect(await sent(run.metered)).toEqual(await sent(run.raw))
      run.server.serve([answer, ...odd], { times: 2, headers: sameHeaders })
      const streamed = (client: Client) => streamOutcome(() => run.stream(client))
      expect(await streamed(run.metered)).toEqual(await streamed(run.raw))
    }
    expect(run.errors.filter(({ code }) => code === 'observer')).toEqual([])
  })
}

function deepFreeze(value: object): void {
  Object.freeze(value)
  for (const field of Object.values(value)) {
    if (typeof field === 'object' && field !== null) deepFreeze(field as object)
  }
}

/** The public functions of its class. */
function methodsOf(client: object): readonly string[] {
  const all = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(client) as object)
  return Object.entries(all).flatMap(([name, { value }]) =>
    typeof value === 'function' && name !== 'constructor' ? name : [],
  )
}

/** Some streams of Node have their constructor as a field. */
function keysOf(stream: object): readonly string[] {
  return Object.keys(stream).filter((key) => key !== 'constructor')
}
