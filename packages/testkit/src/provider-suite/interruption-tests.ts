import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import {
  eventsUntilText,
  leaveAtText,
  type ProviderRun,
  sameHeaders,
  said,
  type Start,
  streamOutcome,
  until,
} from './provider-harness.ts'
import type { ProviderUnderTest } from './provider-under-test.ts'

/** A response that ends early is one record still: what was said is exact, the rest a flagged estimate. */
export function interruptionTests<Client extends object>(
  suite: ProviderUnderTest<Client>,
  start: Start<Client>,
): void {
  const { recorded, wire, read } = suite
  const complete = { outcome: 'complete', tokens: (recorded.streamed ?? recorded.whole).tokens }
  const interrupted = {
    customer: 'cus_1',
    outcome: 'estimated',
    details: { estimated: recorded.interrupted.estimated },
    ...(recorded.interrupted.tokens && { tokens: recorded.interrupted.tokens }),
  }
  const untilText = eventsUntilText(suite)

  /** One record of what is known, and of nobody's fault. */
  async function isInterrupted(run: ProviderRun<Client>) {
    await until(() => run.records.length > 0, 'the stream is recorded')
    await run.recorded(1)
    expect(run.records).toMatchObject([interrupted])
    expect(run.records[0]?.tokens.input).toBeGreaterThan(0)
    expect(run.errors).toEqual([])
  }

  if (recorded.readsOn === true) {
    test('left in the middle: the provider goes on and bills, so the rest is read', async () => {
      await using run = await start()
      run.serveEvents({ gapMs: 5 })
      await leaveAtText(run, await run.stream())
      await until(() => run.records.length > 0, 'the rest is read')
      await run.recorded(1)
      expect(run.records).toMatchObject([complete])
      expect(run.server.requests[0]?.closedEarly).toBe(false)
    })
  } else {
    test('left in the middle: the connection is closed at once', async () => {
      await using run = await start()
      run.serveEvents({ hangAfterEvents: untilText })
      await leaveAtText(run, await run.stream())
      expect(run.records).toHaveLength(1)
      await isInterrupted(run)
      expect(run.records[0]?.tokens.output).toBeGreaterThan(0)
      await run.server.requests[0]?.closed
      expect(run.server.requests[0]?.closedEarly).toBe(true)
    })
  }

  test('left at the last word: the usage is whole', async () => {
    await using run = await start()
    run.serveEvents()
    for await (const event of await run.stream()) if (read.isLastWord(event)) break
    await until(() => run.records.length > 0, 'the stream is recorded')
    await run.recorded(1)
    expect(run.records).toMatchObject([complete])
    expect(run.errors).toEqual([])
  })

  test('aborted: ends as it does raw', async () => {
    await using run = await start()
    run.serveEvents({ hangAfterEvents: untilText, times: 2 })
    const aborted = (client: Client) => {
      const abort = new AbortController()
      return streamOutcome(async () => {
        const stream = await run.stream(client, { signal: abort.signal })
        return (async function* () {
          for await (const event of stream) {
            yield event
            if (read.eventText(event) !== '') abort.abort()
          }
        })()
      })
    }
    expect(await aborted(run.metered)).toEqual(await aborted(run.raw))
    await isInterrupted(run)
  })

  test("cut by the network: the caller gets the SDK's error", async () => {
    await using run = await start()
    run.serveEvents({ cutAfterEvents: untilText, times: 2 })
    const cut = (client: Client) => streamOutcome(() => run.stream(client))
    expect(await cut(run.metered)).toEqual(await cut(run.raw))
    await isInterrupted(run)
  })

  test('an error of the provider in the middle: what came until then is billed', async () => {
    await using run = await start()
    const events = wire.events(said, [wire.usage]).slice(0, untilText)
    const failing = [...events, wire.errorEvent('overloaded')]
    run.server.serve(failing, { times: 2, headers: sameHeaders })
    const failed = (client: Client) => streamOutcome(() => run.stream(client))
    expect(await failed(run.metered)).toEqual(await failed(run.raw))
    // Some SDKs pass it on as data: then the stream ended well, and that it had no usage is news.
    const news = run.errors.splice(0).filter(({ code }) => code !== 'usage')
    expect(news).toEqual([])
    await isInterrupted(run)
  })

  test('an error of the provider in place of the first event: nothing is billed', async () => {
    await using run = await start()
    run.server.serve([wire.errorEvent('overloaded')], { times: 2, headers: sameHeaders })
    const failed = (client: Client) => streamOutcome(() => run.stream(client))
    expect(await failed(run.metered)).toEqual(await failed(run.raw))
    await run.recorded(0)
    expect(run.errors).toEqual([])
  })

  test('a whole answer that breaks off half way is an estimate', async () => {
    await using run = await start()
    const text = JSON.stringify(wire.answer(said.join(''), wire.usage))
    const half = Buffer.from(text.slice(0, text.length / 2))
    run.server.serve(half, { headers: { 'content-type': 'application/json' } })
    await expect(run.send()).rejects.toThrow()
    await until(() => run.records.length > 0, 'the call is recorded')
    await run.recorded(1)
    expect(run.records).toMatchObject([{ outcome: 'estimated', customer: 'cus_1' }])
  })

  test.each<[how: string, drop: (run: ProviderRun<Client>) => Promise<void>]>([
    [
      'dropped half way',
      async (run) => void (await (await run.stream())[Symbol.asyncIterator]().next()),
    ],
    ['never read', async (run) => void (await run.stream())],
    ['never waited for', async (run) => void run.stream()],
  ])('%s: recorded once nobody can read it any more', async (_, drop) => {
    await using run = await start()
    run.serveEvents({ hangAfterEvents: untilText })
    await drop(run)
    await until(() => {
      collectGarbage()
      return run.records.length > 0
    }, 'the stream is collected')
    await run.recorded(1)
    expect(run.records).toMatchObject([{ outcome: 'estimated', customer: 'cus_1' }])
  })

  test('however a stream ends, and wherever: one record', async () => {
    await using run = await start()
    const length = wire.events(said, [wire.usage]).length
    for (const end of ['read', 'break', 'throw', 'abort', 'cut'] as const) {
      for (let after = 1; after <= length; after++) {
        run.records.length = 0
        const sent = run.server.requests.length
        const abort = new AbortController()
        run.serveEvents({
          ...(end === 'cut' && { cutAfterEvents: after }),
          ...(end === 'abort' && { hangAfterEvents: after }),
        })
        let isOpen = false
        const read = async () => {
          let seen = 0
          const stream = await run.stream(run.metered, { signal: abort.signal })
          isOpen = true
          for await (const _ of stream) {
            if (++seen < after || end === 'read' || end === 'cut') continue
            if (end === 'throw') throw new Error("the caller's own")
            if (end === 'break') break
            abort.abort()
          }
        }
        const reading = read().catch(() => {})
        // Fewer events may be shown than were sent: then the abort comes from outside.
        if (end === 'abort') {
          await until(() => run.server.requests[sent]?.eventsSent === after, 'it hangs')
          abort.abort()
        }
        await reading
        // Aborted before the SDK had an answer to give: the call failed.
        if (!isOpen && run.records.length === 0) continue
        await until(() => run.records.length > 0, `there is a record of ${end} after ${after}`)
        await run.recorded(1)
        expect(run.records[0]?.tokens.input).toBeGreaterThan(0)
      }
    }
    expect(run.errors.filter(({ code }) => code === 'observer')).toEqual([])
  })

  test('a stream that is still read is not given up', async () => {
    await using run = await start()
    run.serveEvents({ gapMs: 2 })
    let collections = 0
    for await (const _ of await run.stream()) if (++collections < 3) collectGarbage()
    await run.recorded(1)
    expect(run.records).toMatchObject([complete])
  })
}

// The collector, without a flag for the whole run.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
