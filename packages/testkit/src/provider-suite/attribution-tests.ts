import type { Call } from '@token-meter/core'
import { expect, test } from 'vitest'
import { prompt, readAll, type Start } from './provider-harness.ts'
import type { ProviderUnderTest } from './provider-under-test.ts'

/** Who pays is decided when the call is made; nobody is a customer too few, and never a failed call. */
export function attributionTests<Client extends object>(
  suite: ProviderUnderTest<Client>,
  start: Start<Client>,
): void {
  const { recorded, request, billable = [] } = suite
  const { provider, endpoint } = recorded.whole
  const refused = { code: 'missing-customer' }

  test('a function finds the customer in the request', async () => {
    const calls: Call[] = []
    await using run = await start({
      customer: (call) => {
        calls.push(call)
        return request.payer(call)
      },
    })
    run.serveAnswer()
    run.serveEvents()
    await suite.send(run.metered, request.paidBy('cus_user'), {})
    await readAll(await suite.stream(run.metered, request.paidBy('cus_other'), {}))
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_user', 'cus_other'])
    expect(calls[0]).toMatchObject({ provider, endpoint, method: recorded.method ?? 'POST' })
  })

  test('a function that writes to the request changes nothing of it', async () => {
    await using run = await start({
      customer: ({ body }) => {
        for (const name of Object.keys(body)) (body as Record<string, unknown>)[name] = 'mine'
        return 'cus_1'
      },
    })
    run.serveAnswer(2)
    await run.send()
    await run.send(run.raw)
    const [metered, raw] = run.server.requests
    expect(metered?.rawBody).toBe(raw?.rawBody)
  })

  test('withCustomer names it where the client does not, through awaits and streams', async () => {
    await using run = await start({ customer: () => undefined })
    run.serveEvents()
    run.serveAnswer()
    await run.meter.withCustomer('cus_context', async () => {
      await Promise.resolve()
      await readAll(await run.stream())
    })
    await run.meter.withCustomer('cus_other', async () => await run.send())
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_context', 'cus_other'])
  })

  const ways = [
    ...(suite.ways?.whole ?? []).map(([name, way]) => [name, way, false] as const),
    ...(suite.ways?.streamed ?? []).map(([name, way]) => [`streamed, ${name}`, way, true] as const),
  ]
  if (ways.length > 0) {
    test.each(ways)('withCustomer names it for %s', async (_, way, isStreamed) => {
      await using run = await start({ customer: () => undefined })
      if (isStreamed) run.serveEvents()
      else run.serveAnswer()
      await run.meter.withCustomer('cus_context', async () => await way(run.metered))
      await run.recorded(1)
      expect(run.records).toMatchObject([{ customer: 'cus_context' }])
    })
  }

  test("the client's own customer comes first", async () => {
    await using run = await start()
    run.serveAnswer()
    await run.meter.withCustomer('cus_context', async () => await run.send())
    expect(run.records).toMatchObject([{ customer: 'cus_1' }])
  })

  test('nobody: recorded, unattributed, reported; attributed later', async () => {
    await using run = await start({ customer: () => undefined })
    run.serveAnswer()
    await run.send()
    expect(run.records).toMatchObject([{ customer: null }])
    expect(run.errors.map(({ code }) => code)).toEqual(['missing-customer'])
    const [left] = await run.meter.outbox.unattributed()
    expect(await run.meter.outbox.attribute([left?.id ?? ''], 'cus_late')).toBe(1)
    expect(await run.meter.outbox.unattributed()).toEqual([])
  })

  test('nobody, where such calls are refused: nothing is sent', async () => {
    await using run = await start({ customer: () => undefined, onMissingCustomer: 'throw' })
    await expect(async () => await run.send()).rejects.toMatchObject(refused)
    await expect(async () => await readAll(await run.stream())).rejects.toMatchObject(refused)
    expect(run.server.requests).toEqual([])
    run.serveAnswer()
    await run.meter.withCustomer('cus_1', async () => await run.send())
    await run.recorded(1)
  })

  if (billable.length > 0) {
    test.each(billable)('nobody, where such calls are refused: %s', async (_, call) => {
      await using run = await start({ customer: () => undefined, onMissingCustomer: 'throw' })
      await expect(async () => await call(run.metered)).rejects.toThrow(/no customer/)
      expect(run.server.requests).toEqual([])
    })
  }

  test.each([
    [
      'throws',
      () => {
        throw new Error(`no customer for ${prompt}`)
      },
    ],
    ['returns a number', () => 7 as unknown as string],
    ['returns an empty text', () => ''],
  ])('a customer function that %s does not disturb the call', async (_, customer) => {
    await using run = await start({ customer })
    run.serveAnswer()
    expect(suite.read.text(await run.send())).not.toBe('')
    expect(run.records).toMatchObject([{ customer: null }])
    expect(run.errors.map(({ code }) => code)).toEqual(['observer', 'missing-customer'])
    expect(run.errors.map(({ message }) => message).join()).not.toContain(prompt)
  })

  test('attributes, fixed or found in the call, never stand in for billing fields', async () => {
    await using run = await start({
      attributes: (call) => ({
        feature: 'chat',
        at: call.endpoint,
        turns: 1,
        value: 999,
        model: 'cheap',
      }),
    })
    run.serveAnswer()
    await run.send()
    expect(run.records[0]?.attributes).toEqual({ feature: 'chat', at: endpoint, turns: '1' })
    expect(run.errors.map(({ code }) => code)).toEqual(['observer', 'observer'])
    const hides = () => run.meter(run.raw, 'cus_1', { attributes: { token_type: 'free' } })
    expect(hides).toThrow(/token_type/)
  })

  test('who serves it can be named', async () => {
    await using run = await start({ provider: 'our-proxy' })
    run.serveAnswer()
    await run.send()
    expect(run.records).toMatchObject([{ provider: 'our-proxy' }])
  })

  test.each([
    ['', /empty string/],
    [undefined, /undefined/],
    [null, /null/],
    [7, /7/],
    ['  ', /empty/],
  ])('the customer %j is refused where the client is wrapped', async (customer, message) => {
    await using run = await start()
    const wrap = () => run.meter(run.raw, customer as never)
    expect(wrap).toThrow(TypeError)
    expect(wrap).toThrow(message)
  })

  test.each([
    [{}],
    [null],
    ['client'],
    [new Map()],
    [{ baseURL: 'x', models: {}, messages: null }],
  ])('%j is no client, which is said with what is one', async (client) => {
    await using run = await start()
    const wrap = () => run.meter(client as never, 'cus_1')
    expect(wrap).toThrow(TypeError)
    expect(wrap).toThrow(suite.provider.clientDescription)
  })
}
