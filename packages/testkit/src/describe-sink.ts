import type { SinkResult } from '@token-meter/core/adapter'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { emptyAnswer, lostAnswers, passingFaults } from './sink-suite/faulty-answers.ts'
import { type Reported, reportingTo } from './sink-suite/reported.ts'
import type { SinkBackend, SinkSuite } from './sink-suite/sink-backend.ts'
import {
  expectedBill,
  isUncertain,
  sinkHarness,
  sinkRecord,
  sortedBill,
  type SinkHarness,
} from './sink-suite/sink-harness.ts'

/**
 * The conformance suite of sinks: whatever goes wrong on the way, every token is billed once and
 * nothing is lost. A sink package runs it against a fake of its backend.
 */
export function describeSink<Backend extends SinkBackend>(
  name: string,
  suite: SinkSuite<Backend>,
): void {
  describe(`${name}, as a sink`, () => {
    let harness: SinkHarness<Backend>
    beforeEach(async () => {
      harness = await sinkHarness(suite)
    })
    afterEach(() => harness[Symbol.asyncDispose]())

    const accepted = { status: 'accepted' }
    const always = { times: Infinity }
    const wasSent = (id: string) => JSON.stringify(harness.backend.requests).includes(id)
    const oneEvent = () =>
      sinkRecord({ tokens: { input: 1200, cachedInput: 0, cachedWrite: 0, output: 0 } })
    const bill = () => sortedBill(harness.backend.billed())
    const passing = suite.hasEmptySuccess
      ? passingFaults.filter(([name]) => name !== emptyAnswer)
      : passingFaults

    test('delivers every token once, with one result per record', async () => {
      const records = [
        sinkRecord(),
        sinkRecord({ customer: 'cus_2', provider: 'anthropic', model: 'claude-sonnet-4-6' }),
        sinkRecord(),
      ]
      expect(await harness.send(records)).toMatchObject([accepted, accepted, accepted])
      expect(bill()).toEqual(expectedBill(records))
    })

    test('an empty batch has no results and makes no request', async () => {
      expect(await harness.send([])).toEqual([])
      expect(harness.backend.requests).toHaveLength(0)
    })

    test('a record without tokens is accepted without a request', async () => {
      const tokens = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
      expect(await harness.send([sinkRecord({ tokens })])).toMatchObject([accepted])
      expect(harness.backend.requests).toHaveLength(0)
    })

    test('what is unbilled is accepted, is billed to nobody, and hinders no neighbour', async () => {
      const [unbilled, billed] = [sinkRecord({ unbilled: 'refusal:cyber' }), sinkRecord()]
      expect(await harness.send([unbilled])).toMatchObject([accepted])
      // Too old, and from an attempt of unknown fate: there is still nothing to be sent.
      const old = sinkRecord({ unbilled: 'linked', at: Date.now() - 365 * 24 * 60 * 60_000 })
      const earlier = [{ status: 'retry', reason: 'lost', uncertain: true }] as const
      expect(await harness.send([old], { earlier })).toMatchObject([accepted])
      expect(harness.backend.requests).toHaveLength(0)
      expect(await harness.send([unbilled, billed])).toMatchObject([accepted, accepted])
      expect(bill()).toEqual(expectedBill([billed]))
    })

    test('what the backend has already is accepted, and billed once', async () => {
      const records = [sinkRecord(), sinkRecord()]
      await harness.send(records)
      expect(await harness.send(records)).toMatchObject([accepted, accepted])
      const sink = harness.another()
      expect(await harness.send(records, { sink })).toMatchObject([accepted, accepted])
      expect(bill()).toEqual(expectedBill(records))
    })

    test('a refused record says why, and does not hinder its neighbours', async () => {
      const good = [sinkRecord(), sinkRecord()] as const
      const poison = sinkRecord(suite.poison.record)
      const results = await harness.send([good[0], poison, good[1]])
      expect(results.map(({ status }) => status)).toEqual(['accepted', 'rejected', 'accepted'])
      expect(results[1]).toMatchObject({
        reason: expect.stringMatching(suite.poison.reason),
        // For machines, and none of those that say it may have arrived.
        code: expect.stringMatching(/^(?!uncertain)./),
      })
      const billed = bill().filter(({ customer }) => customer === 'cus_1')
      const others = expectedBill(good)
      expect(billed).toEqual(expect.arrayContaining([...others]))
    })

    test('says what it sends before it does, and then what became of it', async () => {
      const records = [oneEvent(), oneEvent(), oneEvent()]
      const ids = records.map(({ id }) => id).toSorted()
      const reported: Reported = reportingTo(wasSent)
      expect(await harness.send(records, { progress: reported.progress })).toHaveLength(3)
      if (harness.sink.reportsProgress !== true) return
      expect(reported.sentBeforeSaid).toEqual([])
      expect(reported.said.toSorted()).toEqual(ids)
      expect(reported.accepted.toSorted()).toEqual(ids)
      expect(reported.open.size).toBe(0)
    })

    test('a request whose answer is lost stays in flight', async () => {
      const record = oneEvent()
      const reported = reportingTo(wasSent)
      const [[, fault] = []] = lostAnswers
      if (fault !== undefined) harness.backend.failWith(fault, always)
      await harness.send([record], { progress: reported.progress, ...harness.inTime(fault) })
      if (harness.sink.reportsProgress !== true) return
      expect(reported.accepted).toEqual([])
      expect(reported.open.size).toBeGreaterThan(0)
    })

    test('sends nothing once the claim has ended', async () => {
      const record = oneEvent()
      const reported = reportingTo(wasSent, { isOver: true })
      const { progress } = reported
      const [result] = await harness.send([record], { progress }).catch(() => [])
      if (harness.sink.reportsProgress !== true) return
      expect(reported.said).toEqual([record.id])
      expect(wasSent(record.id)).toBe(false)
      expect(result?.status ?? 'retry').toBe('retry')
      expect(isUncertain(result)).toBe(false)
    })

    test.each(passing)('%s: retry, then billed once', async (_, fault) => {
      const records = [sinkRecord(), sinkRecord({ customer: 'cus_2' })]
      harness.backend.failWith(fault, always)
      const results = await harness.send(records, harness.inTime(fault))
      const retry = { status: 'retry', reason: expect.stringMatching(/\w/) }
      expect(results).toMatchObject([retry, retry])
      expect(bill()).toEqual([])
      harness.backend.recover()
      expect(await harness.send(records, { earlier: results })).toMatchObject([accepted, accepted])
      expect(bill()).toEqual(expectedBill(records))
    })

    test.each(lostAnswers)('%s after the effect: retry, then billed once', async (_, fault) => {
      const records = [sinkRecord()]
      harness.backend.failWith(fault, always)
      const results = await harness.send(records, harness.inTime(fault))
      expect(results).toMatchObject([{ status: 'retry', uncertain: true }])
      expect(bill().length).toBeGreaterThan(0)
      harness.backend.recover()
      expect(await harness.send(records, { earlier: results })).toMatchObject([accepted])
      expect(bill()).toEqual(expectedBill(records))
    })

    test.each([401, 403, 429])('a %i certainly had no effect', async (status) => {
      harness.backend.failWith({ status }, always)
      const results = await harness.send([sinkRecord(), sinkRecord({ customer: 'cus_2' })])
      expect(results.map(({ status }) => status)).toEqual(['retry', 'retry'])
      expect(results.filter(isUncertain)).toEqual([])
    })

    test('a backend that refuses connections certainly has nothing', async () => {
      await harness.backend.close()
      const results = await harness.send([sinkRecord(), sinkRecord()])
      expect(results.map(({ status }) => status)).toEqual(['retry', 'retry'])
      expect(results.filter(isUncertain)).toEqual([])
    })

    test('what an outage kept from being sent is not uncertain', async () => {
      const records = Array.from({ length: 100 }, () => sinkRecord())
      harness.backend.failWith({ status: 500 }, always)
      const results = await harness.send(records)
      // A request may carry many records, so count what was asked and not a number of our own.
      const sent = records.filter(({ id }) => wasSent(id))
      expect(sent.length).toBeGreaterThan(0)
      expect(results.map(isUncertain)).toEqual(records.map((record) => sent.includes(record)))
    })

    test.each([429, 503])('the Retry-After of a %i is honoured', async (status) => {
      harness.backend.failWith({ status, headers: { 'retry-after': '7' } }, always)
      expect(await harness.send([sinkRecord()])).toMatchObject([{ status: 'retry', afterMs: 7000 }])
      harness.backend.recover()
      const date = new Date(Date.now() + 60_000).toUTCString()
      harness.backend.failWith({ status, headers: { 'retry-after': date } }, always)
      const [result] = await harness.send([sinkRecord()])
      const afterMs = result?.status === 'retry' ? result.afterMs : undefined
      expect(afterMs).toBeGreaterThan(55_000)
      expect(afterMs).toBeLessThan(61_000)
    })

    test.each([401, 403])(
      'a %i loses nothing: the key is put right by a person',
      async (status) => {
        const records = [sinkRecord(), sinkRecord()]
        harness.backend.failWith({ status }, always)
        const results = await harness.send(records)
        for (const result of results) {
          expect(result).toMatchObject({ status: 'retry', reason: expect.stringMatching(/key/i) })
          expect(result).toMatchObject({ afterMs: expect.any(Number) })
        }
        harness.backend.recover()
        expect(await harness.send(records, { earlier: results })).toMatchObject([
          accepted,
          accepted,
        ])
        expect(bill()).toEqual(expectedBill(records))
      },
    )

    test('events that arrived are remembered, and not sent again', async () => {
      const records = [sinkRecord()]
      harness.backend.failWith({ status: 500 }, { skip: 1, times: Infinity })
      const results = await harness.send(records)
      const delivered = results[0]?.deliveredEventIds ?? []
      // A backend that takes a record in one request has it all by now.
      if (results[0]?.status !== 'accepted') expect(delivered.length).toBeGreaterThan(0)
      harness.backend.recover()
      const before = harness.backend.requests.length
      expect(await harness.send(records, { earlier: results })).toMatchObject([accepted])
      const left = expectedBill(records).length - delivered.length
      expect(harness.backend.requests.length - before).toBeLessThanOrEqual(left)
      expect(bill()).toEqual(expectedBill(records))
    })

    test('a send that is aborted ends at once, and loses nothing', async () => {
      const records = [sinkRecord(), sinkRecord({ customer: 'cus_2' }), sinkRecord()]
      harness.backend.failWith({ connection: 'hang' }, always)
      const controller = new AbortController()
      const { signal } = controller
      const sending = harness.send(records, { sink: harness.another(20_000), signal })
      await expect.poll(() => harness.backend.requests.length).toBeGreaterThan(0)
      const began = performance.now()
      controller.abort(new Error('closing'))
      const results = await sending
      // Long before the time-out of the sink.
      expect(performance.now() - began).toBeLessThan(10_000)
      expect(results.map(({ status }) => status)).toEqual(['retry', 'retry', 'retry'])
      // What was under way may have arrived.
      expect(results.some(isUncertain)).toBe(true)
      harness.backend.recover()
      // A backend that has not noticed yet that the first request is gone may ask for patience.
      let again = results
      const send = async () => (again = await harness.send(records, { earlier: again }))
      await expect.poll(send, { timeout: 10_000 }).toMatchObject([accepted, accepted, accepted])
      expect(bill()).toEqual(expectedBill(records))
    })

    test('a signal that is aborted already sends nothing', async () => {
      const results = await harness.send([sinkRecord()], {
        signal: AbortSignal.abort(new Error('closed')),
      })
      expect(results).toMatchObject([{ status: 'retry' }])
      expect(results.some(isUncertain)).toBe(false)
      expect(harness.backend.requests).toHaveLength(0)
    })

    test('through a storm of faults, every token is billed once', async () => {
      const sink = harness.another(1000)
      const records = Array.from({ length: 12 }, (_, index) =>
        sinkRecord({ customer: `cus_${index % 3}` }),
      )
      const faults = [...passing, ...lostAnswers].map(([, fault]) => fault)
      for (const [index, fault] of faults.entries()) {
        harness.backend.failWith(fault, { skip: index % 3, times: 1 + (index % 2) })
      }
      const waiting = new Map(records.map((record) => [record, noResult]))
      for (let round = 0; round < 40 && waiting.size > 0; round++) {
        const open = [...waiting.keys()]
        const results = await harness.send(open, { earlier: [...waiting.values()], sink })
        for (const [index, record] of open.entries()) {
          const result = results[index] ?? noResult
          if (result.status === 'accepted') waiting.delete(record)
          else waiting.set(record, result)
        }
      }
      expect([...waiting.values()]).toEqual([])
      expect(bill()).toEqual(expectedBill(records))
    })
  })
}

const noResult: SinkResult = { status: 'retry', reason: 'not sent yet' }
