import { createMeter, type TokenMeterError } from '@token-meter/core'
import { cost } from '@token-meter/core/cost'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { metronomeModelSlug } from '@token-meter/metronome'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Fault, startReplayServer } from '../src/index.ts'
import { recordingsAreAbsent } from '../src/internal/recorded-billing.ts'
import { type Backends, remoteSinks, startBackends } from './all-backends-billing.ts'
import {
  type AllMeter,
  makeCalls,
  manualUsage,
  type PaidRecording,
  paidRecordings,
  providers,
} from './all-backends-calls.ts'
import {
  billedUsage,
  countBilled,
  expectedFemto,
  expectedNano,
  expectedTokens,
  expectedUsage,
  usedTokens,
  markup,
  prices,
} from './all-backends-expected.ts'

const isAbsent = recordingsAreAbsent()

/** One process: a meter with every sink on the file of the one before. */
function open(backends: Backends, path: string) {
  const errors: TokenMeterError[] = []
  const meter: AllMeter = createMeter({
    providers,
    outbox: sqliteOutbox(path),
    sinks: backends.sinks(),
    cost: cost({ prices, markup, reported: false }),
    onMissingCustomer: 'throw',
    delivery: { lingerMs: 1, pollMs: 20, backoff: { baseMs: 2, maxMs: 20 } },
    onError: (error) => void errors.push(error),
  })
  onTestFinished(() => meter.close({ timeoutMs: 0 }).catch(() => {}))
  return { meter, errors }
}

async function start() {
  const backends = await startBackends()
  const server = await startReplayServer()
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-all-'))
  onTestFinished(async () => {
    await server.close()
    await backends[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })
  return { backends, server, path: join(folder, 'usage.db') }
}

async function recordByHand(meter: AllMeter): Promise<void> {
  for (const usage of manualUsage) await meter.record(usage)
}

/** Everything is delivered to everybody, and billed once. */
async function expectExactBills(backends: Backends, meter: AllMeter): Promise<void> {
  const { recorded, sinks } = await meter.flush()
  expect(recorded).toBe(expectedUsage.length)
  expect(billedUsage.length).toBe(expectedUsage.length - 2)
  const all = { delivered: recorded, pending: 0, dead: 0, unattributed: 0, discarded: 0 }
  for (const sink of [...remoteSinks, 'opentelemetry']) expect(sinks[sink]).toMatchObject(all)

  const { metronome, ...others } = backends.tokens()
  expect(metronome).toEqual(expectedTokens(metronomeModelSlug))
  for (const billed of Object.values(others)) expect(billed).toEqual(expectedTokens())

  const amounts = backends.amounts()
  expect(amounts.stripe).toEqual(expectedNano())
  expect(amounts.metronome).toEqual(expectedFemto(metronomeModelSlug))
  expect(amounts.lago).toEqual(expectedFemto())
  expect(amounts.openmeter).toEqual(expectedFemto())

  await expectExactMetrics(backends)
}

/** Metrics know two types of tokens, and the provider's names of models. */
async function expectExactMetrics(backends: Backends): Promise<void> {
  const exact = usedTokens((_, model) => model)
  const tokens: Record<string, number> = {}
  const cacheReads: Record<string, number> = {}
  const cacheWrites: Record<string, number> = {}
  const add = (sums: Record<string, number>, key: string, count: number) =>
    (sums[key] = (sums[key] ?? 0) + count)
  for (const [key, count] of Object.entries(exact)) {
    const [customer, model, type] = key.split(' ')
    add(tokens, `${customer} ${model} ${type === 'output' ? 'output' : 'input'}`, count)
    if (type === 'cached_input') add(cacheReads, `${customer} ${model}`, count)
    if (type === 'cached_write') add(cacheWrites, `${customer} ${model}`, count)
  }
  const counted = await backends.counted()
  expect(counted.tokens).toEqual(tokens)
  expect(nonZero(counted.cacheReads)).toEqual(cacheReads)
  expect(nonZero(counted.cacheWrites)).toEqual(cacheWrites)
  const usd = expectedFemto((_, model) => model)
  expect(Object.keys(counted.usd).toSorted()).toEqual(Object.keys(usd).toSorted())
  // The SDK adds floats.
  for (const [key, femto] of Object.entries(usd)) {
    expect(Math.abs((counted.usd[key] ?? 0) - Number(femto) / 1e15)).toBeLessThan(1e-9)
  }
}

function nonZero(sums: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(sums).filter(([, count]) => count > 0))
}

const kinds: readonly (readonly [name: string, fault: Fault])[] = [
  ['429', { status: 429, headers: { 'retry-after': '0' } }],
  ['500 without effect', { status: 500 }],
  ['500 after it took effect', { status: 500, processed: true }],
  ['a connection cut before', { connection: 'reset' }],
  ['a connection cut after it took effect', { connection: 'reset', processed: true }],
  ['no answer in time, after it took effect', { connection: 'hang', processed: true }],
]

describe.skipIf(isAbsent)(
  'every recording, through one meter, to every backend at once',
  { timeout: 120_000 },
  () => {
    test('is billed to the token and the nano-dollar', async () => {
      const { backends, server, path } = await start()
      const { meter, errors } = open(backends, path)
      await makeCalls(meter, server, paidRecordings)
      await recordByHand(meter)
      // One recording is of a tool call that the provider repeats without asking the model.
      const odd = [
        expect.stringMatching(/every count is 0 beside a tool call, which is not billed/),
      ]
      expect(errors.map(({ message }) => message)).toEqual(odd)
      await expectExactBills(backends, meter)
      expect(errors).toHaveLength(1)
    })

    test('the same through every fault, with a restart in the middle of each', async () => {
      const { backends, server, path } = await start()
      for (const [place, [kind, fault]] of kinds.entries()) {
        const { meter: first } = open(backends, path)
        const calls = shareOf(place, kinds.length)
        const half = Math.floor(calls.length / 2)
        for (const sink of remoteSinks) backends.fail(sink, fault, { skip: 1, times: 2 })
        await makeCalls(first, server, calls.slice(0, half - 5))
        // From here on nothing is answered well, so that the restart finds every backend behind.
        for (const sink of remoteSinks) backends.fail(sink, fault, { times: Infinity })
        await makeCalls(first, server, calls.slice(half - 5, half))
        // Metrics have no ids, so that what is counted has to be settled before the end.
        await until(async () => (await first.stats()).sinks['opentelemetry']?.pending === 0)
        const before: Readonly<Record<string, number>> = backends.duplicates()
        await first.close({ timeoutMs: 0 }).catch(() => {})

        const { meter: second } = open(backends, path)
        const { sinks } = await second.stats()
        expect(remoteSinks.filter((sink) => sinks[sink]?.pending === 0)).toEqual([])
        backends.recover()
        for (const sink of remoteSinks) backends.fail(sink, fault, { skip: 1, times: 2 })
        await makeCalls(second, server, calls.slice(half))
        if (place === kinds.length - 1) {
          await recordByHand(second)
          await expectExactBills(backends, second)
        } else await second.flush()
        await second.close()

        if (fault.processed) {
          const without = Object.entries(backends.duplicates()).filter(
            ([sink, count]) => count <= before[sink]!,
          )
          expect(without, kind).toEqual([])
        }
        if (fault.status !== undefined) {
          for (const { requests } of Object.values(backends.fakes)) {
            expect(requests.some(({ status }) => status === fault.status)).toBe(true)
          }
        }
      }
    })

    test('one that is down holds nobody else back, each in turn', async () => {
      const { backends, server, path } = await start()
      const { meter } = open(backends, path)
      for (const [place, down] of remoteSinks.entries()) {
        const calls = shareOf(place, remoteSinks.length)
        const billed = countBilled(calls)
        const before = await meter.stats()
        backends.fail(down, { status: 503 }, { times: Infinity })
        await makeCalls(meter, server, calls)
        const others = [...remoteSinks, 'opentelemetry'].filter((sink) => sink !== down)
        await until(async () => {
          const { sinks, recorded } = await meter.stats()
          return others.every((sink) => sinks[sink]?.delivered === recorded)
        })
        // What is billed to nobody needs no backend.
        const delivered = (await meter.stats()).recorded - billed
        expect(delivered).toBeGreaterThanOrEqual(before.recorded)
        await until(async () => (await meter.stats()).sinks[down]?.delivered === delivered)
        const waiting = { delivered, pending: billed, dead: 0 }
        expect((await meter.stats()).sinks[down]).toMatchObject(waiting)
        backends.recover()
        await meter.flush()
      }
      await recordByHand(meter)
      await expectExactBills(backends, meter)
    })
  },
)

/** The recordings of one of several turns: each has some of every kind. */
function shareOf(place: number, turns: number): readonly PaidRecording[] {
  return paidRecordings.filter((_, index) => index % turns === place)
}

/** Waits until something is true. */
async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !(await isTrue()); waitedMs += 20) {
    if (waitedMs > 20_000) throw new Error('waited 20 s in vain')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
