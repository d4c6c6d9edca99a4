import { createMeter, memoryOutbox } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { exampleRecord, startFakeMetronome, type FakeMetronome } from '@token-meter/testkit'
import { nanoToUsd, recordedCalls, usdToNano } from '@token-meter/testkit/internal'
import {
  billedTotals,
  billingFaults,
  expectedTotals,
  recordingsAreAbsent,
  temporaryFile,
} from '@token-meter/testkit/internal/suites'
import { expect, onTestFinished, test } from 'vitest'
import { metronomeModelSlug, metronomeSink } from '../src/index.ts'

const isAbsent = recordingsAreAbsent()
const calls = recordedCalls()
const totals = expectedTotals(calls, metronomeModelSlug)

const nanoByCustomer: Record<string, bigint> = {}
for (const { customer, nanoUsd } of calls) {
  if (nanoUsd > 0n) nanoByCustomer[customer] = (nanoByCustomer[customer] ?? 0n) + nanoUsd
}

function billedNano(fake: FakeMetronome): Record<string, bigint> {
  const sums: Record<string, bigint> = {}
  for (const { customer, cost } of fake.billedCosts()) {
    sums[customer] = (sums[customer] ?? 0n) + usdToNano(cost)
  }
  return sums
}

const outboxes = [
  ['memory', () => memoryOutbox()],
  ['SQLite', () => sqliteOutbox(temporaryFile())],
] as const

for (const [where, makeOutbox] of isAbsent ? [] : outboxes) {
  test.each(billingFaults)(`${where}, %s: all is billed, once`, async (_, faults) => {
    const fake = await startFakeMetronome()
    onTestFinished(() => fake.close())
    for (const [index, fault] of faults.entries()) fake.failWith(fault, { skip: index % 2 })
    const outbox = makeOutbox()
    const { bearerToken, url } = fake
    const meter = createMeter({
      providers: [],
      outbox,
      sinks: [metronomeSink({ bearerToken, baseUrl: url, timeoutMs: 300 })],
      delivery: { lingerMs: 1, pollMs: 20, backoff: { baseMs: 5, maxMs: 20 } },
      onError: () => {},
    })
    for (const { nanoUsd, ...call } of calls) {
      const billed = nanoToUsd(nanoUsd)
      const cost = { currency: 'USD', provider: '1', billed, source: 'prices' } as const
      await outbox.append([exampleRecord({ ...call, attributes: {}, at: Date.now(), cost })])
    }
    const { sinks } = await meter.flush()
    expect(sinks['metronome']).toMatchObject({ delivered: calls.length, pending: 0, dead: 0 })
    expect(billedTotals(fake.billed())).toEqual(totals)
    expect(billedNano(fake)).toEqual(nanoByCustomer)
    await meter.close()
  })

  test(`${where}: the same recorded by hand`, async () => {
    const fake = await startFakeMetronome()
    onTestFinished(() => fake.close())
    const meter = createMeter({
      providers: [],
      outbox: makeOutbox(),
      sinks: [metronomeSink({ bearerToken: fake.bearerToken, baseUrl: fake.url })],
    })
    for (const { nanoUsd: _, ...call } of calls) await meter.record(call)
    await meter.flush()
    expect(billedTotals(fake.billed())).toEqual(totals)
    expect(fake.billedCosts()).toEqual([])
    await meter.close()
  })
}
