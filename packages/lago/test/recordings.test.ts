import { createMeter, memoryOutbox, modelSlug, type Outbox } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { exampleRecord, startFakeLago, type FakeLago } from '@token-meter/testkit'
import { nanoToUsd, recordedCalls, usdToNano } from '@token-meter/testkit/internal'
import {
  billedTotals,
  billingFaults,
  expectedTotals,
  recordingsAreAbsent,
  temporaryFile,
} from '@token-meter/testkit/internal/suites'
import { expect, onTestFinished, test } from 'vitest'
import { lagoSink, type LagoSinkOptions } from '../src/index.ts'

const isAbsent = recordingsAreAbsent()
const calls = recordedCalls()
const totals = expectedTotals(calls)

const nanoByPayer: Record<string, bigint> = {}
for (const { customer, provider, model, nanoUsd } of calls) {
  const who = `${customer} ${modelSlug(provider, model)}`
  if (nanoUsd > 0n) nanoByPayer[who] = (nanoByPayer[who] ?? 0n) + nanoUsd
}

function billedNano(fake: FakeLago): Record<string, bigint> {
  return Object.fromEntries(
    fake.costs().map(({ customer, model, cost }) => [`${customer} ${model}`, usdToNano(cost)]),
  )
}

const outboxes = [
  ['memory', () => memoryOutbox()],
  ['SQLite', () => sqliteOutbox(temporaryFile())],
] as const
const shapes: readonly (readonly [string, LagoSinkOptions])[] = [
  ['per record', {}],
  ['per token type', { events: 'per-token-type' }],
]

function meterOn(fake: FakeLago, outbox: Outbox, options: LagoSinkOptions) {
  const { apiKey, url: apiUrl } = fake
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [lagoSink({ apiKey, apiUrl, timeoutMs: 300, ...options })],
    delivery: { lingerMs: 1, pollMs: 20, backoff: { baseMs: 5, maxMs: 20 } },
    onError: () => {},
  })
  onTestFinished(() => meter.close({ timeoutMs: 10 }).catch(() => {}))
  return meter
}

for (const [where, makeOutbox] of isAbsent ? [] : outboxes) {
  for (const [shape, options] of shapes) {
    test.each(billingFaults)(`${shape}, ${where}, %s: all is billed, once`, async (_, faults) => {
      const fake = await startFakeLago()
      onTestFinished(() => fake.close())
      for (const [index, fault] of faults.entries()) {
        fake.failWith(fault, { skip: index % 2, to: '/events/batch' })
      }
      const outbox = makeOutbox()
      const meter = meterOn(fake, outbox, options)
      for (const { nanoUsd, ...call } of calls) {
        const billed = nanoToUsd(nanoUsd)
        const cost = { currency: 'USD', provider: '1', billed, source: 'prices' } as const
        await outbox.append([exampleRecord({ ...call, at: Date.now(), cost })])
      }
      const { sinks } = await meter.flush()
      expect(sinks['lago']).toMatchObject({ delivered: calls.length, pending: 0, dead: 0 })
      expect(billedTotals(fake.billed())).toEqual(totals)
      if (shape === 'per record') expect(billedNano(fake)).toEqual(nanoByPayer)
    })

    test(`${shape}, ${where}: the same recorded by hand`, async () => {
      const fake = await startFakeLago()
      onTestFinished(() => fake.close())
      const meter = meterOn(fake, makeOutbox(), options)
      for (const { nanoUsd: _, ...call } of calls) await meter.record(call)
      await meter.flush()
      expect(billedTotals(fake.billed())).toEqual(totals)
    })
  }
}
