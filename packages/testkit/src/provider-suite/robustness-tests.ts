import { memoryOutbox, type Outbox } from '@token-meter/core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { readAll, type Start } from './provider-harness.ts'
import type { ProviderUnderTest } from './provider-under-test.ts'

/** Whatever the network, the outbox or the application does: the call is undisturbed, and recorded once. */
export function robustnessTests<Client extends object>(
  suite: ProviderUnderTest<Client>,
  start: Start<Client>,
): void {
  const { recorded } = suite
  const tokens = (recorded.streamed ?? recorded.whole).tokens

  test.each([[1], [2], [3], [5], [17], [64], [1, 200], [200, 1, 1, 7], [100_000]])(
    'bytes that come in pieces of %j',
    async (...sizes) => {
      fetchInPieces(sizes)
      await using run = await start()
      run.serveEvents()
      await readAll(await run.stream())
      await run.recorded(1)
      expect(run.records).toMatchObject([{ tokens, outcome: 'complete' }])
    },
  )

  if (suite.ways?.streamed !== undefined) {
    test.each(suite.ways.streamed)('bytes that come in pieces, by %s', async (_, way) => {
      fetchInPieces([1, 90, 7])
      await using run = await start()
      run.serveEvents()
      await way(run.metered)
      await run.recorded(1)
      expect(run.records).toMatchObject([{ tokens, outcome: 'complete' }])
    })
  }

  test('an outbox that needs time is waited for, by an answer and by the end of a stream', async () => {
    const outbox = memoryOutbox()
    let stored = 0
    const append: Outbox['append'] = async (records) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      const appended = await outbox.append(records)
      stored++
      return appended
    }
    await using run = await start({ outbox: withAppend(outbox, append) })
    run.serveAnswer()
    run.serveEvents()
    await run.send()
    expect(stored).toBe(1)
    await readAll(await run.stream())
    expect(stored).toBe(2)
  })

  test('an outbox that fails disturbs nobody, and the record is in the error', async () => {
    const broken = withAppend(memoryOutbox(), () => {
      throw new Error('the disk is full')
    })
    await using run = await start({ outbox: broken })
    run.serveAnswer()
    run.serveEvents()
    expect(suite.read.text(await run.send())).not.toBe('')
    expect((await readAll(await run.stream())).length).toBeGreaterThan(1)
    const lost = { code: 'outbox', records: [{ customer: 'cus_1' }] }
    expect(run.errors).toMatchObject([lost, lost])
  })

  test('wrapped again, a call is recorded once, for the customer named last', async () => {
    await using run = await start()
    run.serveAnswer()
    run.serveEvents()
    const again = run.meter(run.metered, 'cus_2')
    await run.send(again)
    await readAll(await run.stream(again))
    await run.recorded(2)
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_2', 'cus_2'])
  })

  test('many customers on one client do not mix', async () => {
    await using run = await start()
    run.serveAnswer(20)
    const customers = Array.from({ length: 20 }, (_, index) => `cus_${index}`)
    await Promise.all(customers.map((customer) => run.send(run.meter(run.raw, customer))))
    await run.recorded(20)
    expect(run.records.map(({ customer }) => customer).toSorted()).toEqual(customers.toSorted())
  })

  test('what is frozen works as it does raw: it is metered, or said not to be', async () => {
    await using run = await start()
    run.serveAnswer()
    const client = run.another()
    const { frozen } = suite
    Object.freeze(frozen?.of(client) ?? client)
    const metered = run.meter(client, 'cus_1')
    expect(suite.read.text(await run.send(metered))).not.toBe('')
    await run.recorded(frozen === undefined ? 1 : 0)
    if (frozen === undefined || frozen.isToldOnce) return
    expect(run.errors[0]?.message).toMatch(/frozen .* cannot be metered/)
  })
}

/** Cuts what real servers answer into pieces, of these sizes in turn. */
function fetchInPieces(sizes: readonly number[]): void {
  const real = globalThis.fetch
  vi.stubGlobal('fetch', async (...args: Parameters<typeof fetch>) => {
    const response = await real(...args)
    const bytes = new Uint8Array(await response.arrayBuffer())
    let [at, turn] = [0, 0]
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const end = at + sizes[turn++ % sizes.length]!
        if (at < bytes.length) controller.enqueue(bytes.slice(at, end))
        at = end
        if (at >= bytes.length) controller.close()
      },
    })
    return new Response(body, response)
  })
  onTestFinished(() => void vi.unstubAllGlobals())
}

/** Another `append` in place of an outbox's own. */
function withAppend(outbox: Outbox, append: Outbox['append']): Outbox {
  return new Proxy(outbox, {
    get(target, name) {
      if (name === 'append') return append
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
