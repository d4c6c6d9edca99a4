import { createMeter, memoryOutbox, type Outbox } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import {
  exampleRecord,
  recordings,
  sharedFolder,
  startFakeMetronome,
  type FakeMetronome,
  type Fault,
} from '@token-meter/testkit'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { metronomeModelSlug, metronomeSink } from '../src/index.ts'

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

function costOf(call: (typeof calls)[number]): string {
  const nano = types.reduce((sum, type) => sum + BigInt(call[type] * nanoPerToken[type]), 0n)
  const digits = nano.toString().padStart(10, '0')
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`
}

/** The totals, summed without anything of the sink's but the slug. */
function expectedTotals(): Record<string, number> {
  const totals: Record<string, number> = {}
  for (const call of calls) {
    for (const type of types) {
      if (call[type] === 0) continue
      const key = `${call.customer} ${metronomeModelSlug(call.provider, call.model)} ${type}`
      totals[key] = (totals[key] ?? 0) + call[type]
    }
  }
  return totals
}

function expectedNano(): Record<string, bigint> {
  const totals: Record<string, bigint> = {}
  for (const call of calls) {
    const cost = BigInt(costOf(call).replace('.', ''))
    if (cost > 0n) totals[call.customer] = (totals[call.customer] ?? 0n) + cost
  }
  return totals
}

function billedTotals(fake: FakeMetronome): Record<string, number> {
  const row = ({ customer, model, tokenType }: ReturnType<FakeMetronome['billed']>[number]) =>
    `${customer} ${model} ${tokenType}`
  return Object.fromEntries(fake.billed().map((each) => [row(each), each.value]))
}

function billedNano(fake: FakeMetronome): Record<string, bigint> {
  const totals: Record<string, bigint> = {}
  for (const { customer, cost } of fake.billedCosts()) {
    const [whole = '', fraction = ''] = cost.split('.')
    const nano = BigInt(whole + fraction.padEnd(9, '0'))
    totals[customer] = (totals[customer] ?? 0n) + nano
  }
  return totals
}

function temporarySqlite(): Outbox {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-metronome-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return sqliteOutbox(join(folder, 'usage.db'))
}

const faults: readonly (readonly [string, readonly Fault[]])[] = [
  ['no fault', []],
  ['429', [{ status: 429, headers: { 'retry-after': '0.01' } }, { status: 429 }]],
  ['500, with effect and without', [{ status: 500, processed: true }, { status: 503 }]],
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

for (const [where, makeOutbox] of isAbsent ? [] : outboxes) {
  test.each(faults)(`${where}, %s: every recorded token is billed, once`, async (_, list) => {
    const fake = await startFakeMetronome()
    onTestFinished(() => fake.close())
    for (const [index, fault] of list.entries()) fake.failWith(fault, { skip: index % 2 })
    const outbox = makeOutbox()
    const { bearerToken, url } = fake
    const meter = createMeter({
      providers: [],
      outbox,
      sinks: [metronomeSink({ bearerToken, baseUrl: url, timeoutMs: 300 })],
      delivery: { lingerMs: 1, pollMs: 20, backoff: { baseMs: 5, maxMs: 20 } },
      onError: () => {},
    })
    for (const call of calls) {
      const { input, cached_input: cachedInput, cached_write: cachedWrite, output } = call
      await outbox.append([
        exampleRecord({
          ...call,
          tokens: { input, cachedInput, cachedWrite, output },
          attributes: {},
          at: Date.now(),
          cost: { currency: 'USD', provider: '1', billed: costOf(call), source: 'prices' },
        }),
      ])
    }
    const { sinks } = await meter.flush()
    expect(sinks['metronome']).toMatchObject({ delivered: calls.length, pending: 0, dead: 0 })
    expect(billedTotals(fake)).toEqual(expectedTotals())
    expect(billedNano(fake)).toEqual(expectedNano())
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
    for (const { customer, provider, model, input, output, ...cached } of calls) {
      const { cached_input: cachedInput, cached_write: cachedWrite } = cached
      await meter.record({
        customer,
        provider,
        model,
        tokens: { input, output, cachedInput, cachedWrite },
      })
    }
    await meter.flush()
    expect(billedTotals(fake)).toEqual(expectedTotals())
    expect(fake.billedCosts()).toEqual([])
    await meter.close()
  })
}
