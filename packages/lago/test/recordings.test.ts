import { createMeter, memoryOutbox, type Outbox } from '@token-meter/core'
import { modelSlug } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import {
  exampleRecord,
  recordings,
  sharedFolder,
  startFakeLago,
  type FakeLago,
  type Fault,
} from '@token-meter/testkit'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lagoSink, type LagoSinkOptions } from '../src/index.ts'

const isAbsent = sharedFolder() === undefined
if (isAbsent) {
  const why = 'recorded traffic: skipped, because there is no ../shared beside this checkout'
  process.stdout.write(`${why}\n`)
  test.skip(why)
}

/** Every recorded response, of three customers in turn. */
const calls = recordings()
  .flatMap(({ provider, expected }) => expected.map((counts) => ({ provider, ...counts })))
  .map((counts, index) => ({ ...counts, customer: `cus_${index % 3}` }))

/** Nano-dollars a token: prices with which every sum has many places. */
const nanoPerToken = { input: 1250, cached_input: 125, cached_write: 1563, output: 10_007 }
const types = ['input', 'cached_input', 'cached_write', 'output'] as const
type Counts = Record<(typeof types)[number], number>

const nanoOf = (call: Counts) =>
  types.reduce((sum, type) => sum + BigInt(call[type] * nanoPerToken[type]), 0n)

function inDollars(nano: bigint): string {
  const digits = nano.toString().padStart(10, '0')
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`
}

/** The totals, summed without anything of the sink's. */
const expectedTotals: Record<string, number> = {}
const expectedNano: Record<string, bigint> = {}
for (const call of calls) {
  const who = `${call.customer} ${modelSlug(call.provider, call.model)}`
  for (const type of types.filter((type) => call[type] > 0)) {
    expectedTotals[`${who} ${type}`] = (expectedTotals[`${who} ${type}`] ?? 0) + call[type]
  }
  if (nanoOf(call) > 0n) expectedNano[who] = (expectedNano[who] ?? 0n) + nanoOf(call)
}

function billedTotals(fake: FakeLago): Record<string, number> {
  return Object.fromEntries(
    fake
      .billed()
      .map(({ customer, model, tokenType, value }) => [`${customer} ${model} ${tokenType}`, value]),
  )
}

/** To the nano-dollar; nothing is rounded, or BigInt would throw. */
function billedNano(fake: FakeLago): Record<string, bigint> {
  return Object.fromEntries(
    fake.costs().map(({ customer, model, cost }) => {
      const [whole = '', fraction = ''] = cost.split('.')
      return [`${customer} ${model}`, BigInt(whole + fraction.padEnd(9, '0'))]
    }),
  )
}

function temporarySqlite(): Outbox {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-lago-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return sqliteOutbox(join(folder, 'usage.db'))
}

const faults: readonly (readonly [string, readonly Fault[]])[] = [
  ['no fault', []],
  ['429', [{ status: 429, headers: { 'x-ratelimit-reset': '0' } }, { status: 429 }]],
  ['500, with effect and without', [{ status: 500, processed: true }, { status: 500 }]],
  ['a cut after the effect', [{ connection: 'reset', processed: true }, { connection: 'reset' }]],
  ['no answer in time', [{ connection: 'hang', processed: true }, { connection: 'hang' }]],
  [
    'one after the other',
    [
      { status: 500, processed: true },
      { status: 429 },
      { connection: 'reset', processed: true },
      { status: 200, body: '<html>', processed: true },
      { connection: 'hang' },
    ],
  ],
]
const outboxes = [
  ['memory', () => memoryOutbox()],
  ['SQLite', temporarySqlite],
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
    test.each(faults)(`${shape}, ${where}, %s: every token is billed, once`, async (_, list) => {
      const fake = await startFakeLago()
      onTestFinished(() => fake.close())
      for (const [index, fault] of list.entries()) {
        fake.failWith(fault, { skip: index % 2, to: '/events/batch' })
      }
      const outbox = makeOutbox()
      const meter = meterOn(fake, outbox, options)
      for (const call of calls) {
        const { input, cached_input: cachedInput, cached_write: cachedWrite, output } = call
        const billed = inDollars(nanoOf(call))
        await outbox.append([
          exampleRecord({
            ...call,
            tokens: { input, cachedInput, cachedWrite, output },
            at: Date.now(),
            cost: { currency: 'USD', provider: '1', billed, source: 'prices' },
          }),
        ])
      }
      const { sinks } = await meter.flush()
      expect(sinks['lago']).toMatchObject({ delivered: calls.length, pending: 0, dead: 0 })
      expect(billedTotals(fake)).toEqual(expectedTotals)
      if (shape === 'per record') expect(billedNano(fake)).toEqual(expectedNano)
    })

    test(`${shape}, ${where}: the same recorded by hand`, async () => {
      const fake = await startFakeLago()
      onTestFinished(() => fake.close())
      const meter = meterOn(fake, makeOutbox(), options)
      for (const { customer, provider, model, input, output, ...cached } of calls) {
        const { cached_input: cachedInput, cached_write: cachedWrite } = cached
        const tokens = { input, output, cachedInput, cachedWrite }
        await meter.record({ customer, provider, model, tokens })
      }
      await meter.flush()
      expect(billedTotals(fake)).toEqual(expectedTotals)
    })
  }
}
