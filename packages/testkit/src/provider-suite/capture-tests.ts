import { toMeterEvents, type UsageRecord } from '@token-meter/core'
import { expect, test } from 'vitest'
import { exampleRecord } from '../example-record.ts'
import { type ProviderRun, readAll, sameHeaders, type Start, until } from './provider-harness.ts'
import type { ProviderUnderTest } from './provider-under-test.ts'

/** Every billable answer is recorded exactly once, whichever way in, with all that decides its price. */
export function captureTests<Client extends object>(
  suite: ProviderUnderTest<Client>,
  start: Start<Client>,
): void {
  const { recorded, ways = {}, free = [], wire } = suite
  const requestId = sameHeaders['x-request-id']
  const whole = { customer: 'cus_1', outcome: 'complete', requestId, ...recorded.whole }
  const streamed = { ...whole, ...recorded.streamed }

  async function isRecorded(run: ProviderRun<Client>, as: object, count = 1) {
    await run.recorded(count)
    expect(run.records).toMatchObject(Array.from({ length: count }, () => as))
    expect(run.errors).toEqual([])
    expect(run.server.requests).toHaveLength(count)
  }

  test('a whole answer', async () => {
    await using run = await start()
    run.serveAnswer()
    await run.send()
    // Before the caller goes on, not some time after.
    expect(run.records).toHaveLength(1)
    await isRecorded(run, whole)
    // The provider's usage as it came, without what an SDK writes into its answers.
    const { raw } = recorded.whole
    if (raw !== undefined) expect(run.records[0]?.raw).toEqual(raw)
  })

  test('a streamed answer', async () => {
    await using run = await start()
    run.serveEvents()
    await readAll(await run.stream())
    expect(run.records).toHaveLength(1)
    await isRecorded(run, streamed)
  })

  test('an answer that nobody waits for', async () => {
    await using run = await start()
    run.serveAnswer()
    void run.send()
    await until(() => run.records.length > 0, 'the call is recorded')
    await isRecorded(run, whole)
  })

  test('an answer that is taken long after it came', async () => {
    await using run = await start()
    run.serveAnswer()
    const answer = run.send()
    await until(() => run.records.length > 0, 'the call is recorded')
    expect(suite.read.text(await answer)).toBe(suite.read.text(await answer))
    await isRecorded(run, whole)
  })

  test('a stream of which each event is asked for by itself', async () => {
    await using run = await start()
    run.serveEvents()
    const iterator = (await run.stream())[Symbol.asyncIterator]()
    while ((await iterator.next()).done !== true);
    await isRecorded(run, streamed)
  })

  test('several calls at a time', async () => {
    await using run = await start()
    run.serveAnswer(5)
    await Promise.all(Array.from({ length: 5 }, () => run.send()))
    await isRecorded(run, whole, 5)
    expect(new Set(run.records.map(({ id }) => id)).size).toBe(5)
  })

  if (ways.whole !== undefined) {
    test.each(ways.whole)('%s', async (_, way) => {
      await using run = await start()
      run.serveAnswer()
      await way(run.metered)
      await isRecorded(run, whole)
    })
  }

  if (ways.streamed !== undefined) {
    test.each(ways.streamed)('streamed, %s', async (_, way) => {
      await using run = await start()
      run.serveEvents()
      await way(run.metered)
      await isRecorded(run, streamed)
    })
  }

  test("the provider's own ids, which are in the record, are in no event", async () => {
    await using run = await start()
    run.serveAnswer()
    run.serveEvents()
    await run.send()
    await readAll(await run.stream())
    expect(run.records).toHaveLength(2)
    for (const { responseId, requestId } of run.records) {
      const events = JSON.stringify(run.records.flatMap((record) => toMeterEvents(record)))
      for (const id of [responseId, requestId])
        if (id !== undefined) expect(events).not.toContain(id)
    }
  })

  test('a record is plain data, as any other record is', async () => {
    await using run = await start()
    run.serveAnswer()
    await run.send()
    const [record] = run.records as [UsageRecord]
    expect(JSON.parse(JSON.stringify(record))).toEqual(record)
    expect(Object.keys(record)).toEqual(
      expect.arrayContaining(Object.keys(exampleRecord()).filter((name) => name !== 'details')),
    )
    expect(Object.values(record.tokens).every((count) => Number.isSafeInteger(count))).toBe(true)
    expect(Math.abs(Date.now() - record.at)).toBeLessThan(60_000)
  })

  test.each([400, 401, 404, 429, 500, 503])(
    'nothing for a call that fails with %i',
    async (status) => {
      await using run = await start()
      run.server.serve(wire.error('no'), { status, times: 2 })
      await expect(run.send()).rejects.toThrow()
      await expect(run.stream().then(readAll)).rejects.toThrow()
      await run.recorded(0)
      expect(run.errors).toEqual([])
    },
  )

  if (free.length > 0) {
    test.each(free)('nothing for what costs nothing: %s', async (_, call, answer) => {
      await using run = await start({ customer: () => undefined, onMissingCustomer: 'throw' })
      run.server.serve(answer, { times: 3 })
      await call(run.metered)
      await run.recorded(0)
      expect(run.server.requests.length).toBeGreaterThan(0)
      expect(run.errors).toEqual([])
    })
  }
}
