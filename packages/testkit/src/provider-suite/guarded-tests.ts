import { expect, test } from 'vitest'
import { startReplayServer } from '../replay/replay-server.ts'
import {
  eventsUntilText,
  leaveAtText,
  nextTask,
  type ProviderRun,
  prompt,
  readAll,
  type Start,
  until,
} from './provider-harness.ts'
import type { ProviderUnderTest } from './provider-under-test.ts'
import { guardedStart, refusalOf } from './guarded-run.ts'
import { RefusedError, watchedOutbox } from './watched-guard.ts'

/** A guard decides before a call is sent, and knows how each call ended for which something is held. */
export function guardedTests<Client extends object>(
  suite: ProviderUnderTest<Client>,
  start: Start<Client>,
): void {
  const { recorded, billable = [], free = [] } = suite
  const { provider, endpoint } = recorded.whole
  const untilText = eventsUntilText(suite)
  const ways = [
    ...(suite.ways?.whole ?? []).map(([name, way]) => [name, way, false] as const),
    ...(suite.ways?.streamed ?? []).map(([name, way]) => [`streamed, ${name}`, way, true] as const),
  ]

  const startGuarded = guardedStart(start)

  test('a guard is asked once, with the call, who pays, and its pools', async () => {
    await using held = await startGuarded()
    held.run.serveAnswer()
    await held.run.send()
    expect(held.guard.asked).toMatchObject([
      {
        call: { provider, endpoint, method: recorded.method ?? 'POST' },
        customer: 'cus_1',
        pools: ['team_7'],
        isLinked: false,
      },
    ])
    const [asked] = held.guard.asked
    expect(asked?.likelyInput()).toBeGreaterThan(0)
    expect(asked?.bounds().answers).toBeGreaterThan(0)
    expect(JSON.stringify(asked?.call.body)).toContain(prompt)
  })

  test.each([
    ['that takes its time', () => nextTask().then(() => Promise.reject(new RefusedError()))],
    ['that rejects at once', () => Promise.reject(new RefusedError())],
    [
      'that throws',
      () => {
        throw new RefusedError()
      },
    ],
  ])('refused by a guard %s: nothing is sent, and the refusal is the error', async (_, refuses) => {
    await using held = await startGuarded(refuses)
    const { run } = held
    const refusal = { code: 'insufficient_credits', status: 402, required: '0.20' }
    expect(await refusalOf(() => run.send())).toMatchObject(refusal)
    expect(await refusalOf(async () => await readAll(await run.stream()))).toMatchObject(refusal)
    await nextTask()
    expect(run.server.requests).toEqual([])
    expect(held.guard.asked).toHaveLength(2)
    await run.recorded(0)
    expect(run.errors).toEqual([])
  })

  const refusable = [...ways.map(([name, way]) => [name, way] as const), ...billable].filter(
    // Those that handle their own error, to compare it.
    ([name]) => !/catch/.test(name),
  )
  if (refusable.length > 0) {
    test.each(refusable)('refused before it is sent: %s', async (_, way) => {
      await using held = await startGuarded(() =>
        nextTask().then(() => Promise.reject(new RefusedError())),
      )
      expect(await refusalOf(() => way(held.run.metered))).toBeInstanceOf(RefusedError)
      await nextTask()
      expect(held.run.server.requests).toEqual([])
      expect(held.guard.holds).toEqual([])
    })
  }

  if (ways.length > 0) {
    test.each(ways)('settled with its records, once: %s', async (_, way, isStreamed) => {
      await using held = await startGuarded(() => nextTask())
      if (isStreamed) held.run.serveEvents()
      else held.run.serveAnswer()
      await way(held.run.metered)
      await held.run.recorded(1)
      expect(held.outbox.appends).toEqual([{ records: 1, holdIds: ['hold_1'] }])
      expect(held.guard.ends).toEqual([['settled']])
    })
  }

  test('held until the usage is in the outbox, also where that takes its time', async () => {
    await using held = await startGuarded(undefined, true)
    const { run, guard } = held
    run.serveAnswer()
    run.serveEvents()
    await run.send()
    const stream = await run.stream()
    expect(guard.ends[1]).toEqual([])
    await readAll(stream)
    await run.recorded(2)
    expect(held.outbox.appends.map(({ holdIds }) => holdIds)).toEqual([['hold_1'], ['hold_2']])
    expect(guard.ends).toEqual([['settled'], ['settled']])
  })

  test('nothing is held where the guard returns nothing', async () => {
    const outbox = watchedOutbox()
    await using run = await start({ guard: { admit: () => undefined }, outbox })
    run.serveAnswer()
    await run.send()
    await run.recorded(1)
    expect(outbox.appends).toEqual([{ records: 1, holdIds: [] }])
  })

  test.each([400, 402, 429, 500])(
    'an answer of status %i gives back what is held',
    async (status) => {
      await using held = await startGuarded()
      const { run, guard } = held
      run.server.serve(suite.wire.error('no'), { status, times: 2 })
      await expect(async () => await run.send()).rejects.toThrow()
      await expect(async () => await readAll(await run.stream())).rejects.toThrow()
      await run.recorded(0)
      await until(() => guard.ends.every(({ length }) => length > 0), 'all is given back')
      expect(guard.ends).toEqual([['released'], ['released']])
    },
  )

  test('nobody listens where it was sent: what is held is given back', async () => {
    await using held = await startGuarded()
    const gone = await startReplayServer()
    await gone.close()
    const client = held.run.meter(suite.client(gone.url, 'key'), 'cus_1')
    await expect(async () => await held.run.send(client)).rejects.toThrow()
    await until(() => held.guard.ends[0]?.length !== 0, 'it is given back')
    expect(held.guard.ends).toEqual([['released']])
  })

  test('the connection breaks before an answer: nobody knows, and it stays held', async () => {
    await using held = await startGuarded()
    const { run, guard } = held
    run.server.serve(suite.wire.answer('lost', suite.wire.usage), { cutAfterEvents: 0 })
    await expect(async () => await run.send()).rejects.toThrow()
    await until(() => guard.ends[0]?.length !== 0, 'it is known')
    expect(guard.ends).toEqual([['lost']])
    await run.recorded(0)
  })

  test.each<[how: string, run: (run: ProviderRun<Client>) => Promise<void>]>([
    [
      'left in the middle',
      async (run) => {
        run.serveEvents({ gapMs: 5 })
        await leaveAtText(run, await run.stream())
      },
    ],
    [
      'cut by the network',
      async (run) => {
        run.serveEvents({ cutAfterEvents: untilText })
        await readAll(await run.stream()).catch(() => {})
      },
    ],
  ])('a stream %s settles with what was used', async (_, interrupted) => {
    await using held = await startGuarded()
    await interrupted(held.run)
    await until(() => held.run.records.length > 0, 'the stream is recorded')
    await held.run.recorded(1)
    expect(held.outbox.appends).toEqual([{ records: 1, holdIds: ['hold_1'] }])
    expect(held.guard.ends).toEqual([['settled']])
  })

  test('aborted while the guard decides: ends as it does raw, and nothing is sent', async () => {
    let decide = (): void => {}
    await using held = await startGuarded(() => new Promise<void>((resolve) => (decide = resolve)))
    const { run, guard } = held
    const aborted = async (client: Client, isUnderWay: () => boolean) => {
      const abort = new AbortController()
      const sent = Promise.resolve(run.send(client, { signal: abort.signal })).then(
        () => 'answered',
        (error: Error) => [error.constructor, error.message],
      )
      await until(isUnderWay, 'it is under way')
      abort.abort()
      return sent
    }
    run.server.serve(suite.wire.answer('late', suite.wire.usage), { hangAfterEvents: 0 })
    const raw = await aborted(run.raw, () => run.server.requests.length > 0)
    run.server.forget()
    expect(await aborted(run.metered, () => guard.asked.length > 0)).toEqual(raw)
    decide()
    await until(() => guard.ends[0]?.length === 1, 'it is given back')
    expect(guard.ends).toEqual([['released']])
    expect(run.server.requests).toEqual([])
    await run.recorded(0)
  })

  if (free.length > 0) {
    test.each(free)('never asked: %s', async (_, call, answer) => {
      await using held = await startGuarded(() => Promise.reject(new RefusedError()))
      held.run.server.serve(answer)
      await call(held.run.metered)
      expect(held.guard.asked).toEqual([])
    })
  }

  test('a guard that throws when it is told the end is reported, and disturbs no call', async () => {
    const ended = () => {
      throw new Error('out of order')
    }
    const holdIds = ['hold_1']
    const guard = {
      admit: () => ({ holdIds, settled: ended, release: ended, lost: ended, keep: ended }),
    }
    await using run = await start({ guard })
    run.serveAnswer()
    expect(suite.read.text(await run.send())).not.toBe('')
    await run.recorded(1)
    expect(run.errors.map(({ code }) => code)).toEqual(['observer'])
  })
}
