import { aggregated, createMeter, memoryOutbox, type Outbox } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import type { Sink } from '@token-meter/core/sink'
import {
  never,
  recordsOf,
  startFakeLago,
  type FakeLago,
  type FakeLagoOptions,
} from '@token-meter/testkit'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lagoSink, type LagoSinkOptions } from '../src/index.ts'

const shapes: readonly (readonly [string, LagoSinkOptions, FakeLagoOptions])[] = [
  ['per record', {}, {}],
  ['per token type', { events: 'per-token-type' }, {}],
  ['per record, neighbours kept', {}, { keepsNeighbours: true }],
  ['per token type, on ClickHouse', { events: 'per-token-type' }, { store: 'clickhouse' }],
]

async function lago(options: FakeLagoOptions) {
  const fake = await startFakeLago(options)
  onTestFinished(() => fake.close())
  return fake
}

function sinkOn({ apiKey, url }: FakeLago, options: LagoSinkOptions): Sink {
  return lagoSink({ apiKey, apiUrl: url, timeoutMs: 1000, ...options })
}

function file(): string {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-lago-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'usage.db')
}

function meterOn(outbox: Outbox, sink: Sink) {
  const delivery = { lingerMs: 0, pollMs: 20, backoff: { baseMs: 5, maxMs: 20 } }
  const meter = createMeter({ providers: [], outbox, sinks: [sink], delivery, onError: () => {} })
  onTestFinished(() => meter.close({ timeoutMs: 10 }).catch(() => {}))
  return meter
}

function tokensOf(fake: FakeLago): number {
  return fake.billed().reduce((sum, { value }) => sum + value, 0)
}

test.each(shapes)(
  '%s: a process that ends between send and settle bills nothing twice',
  async (_, options, more) => {
    const fake = await lago(more)
    const path = file()
    const first = sqliteOutbox(path)
    await first.append(recordsOf(120))
    const batch = await first.claim('lago', { limit: 120, leaseMs: 1 })
    if (batch === undefined) throw new Error('nothing to claim')
    await sinkOn(fake, options).send(batch, never)
    await first.close()
    expect(tokensOf(fake)).toBe(120 * 22)
    const second = sqliteOutbox(path)
    const meter = meterOn(second, sinkOn(fake, options))
    await meter.flush()
    expect(await second.stats('lago')).toMatchObject({ delivered: 120, pending: 0, dead: 0 })
    await meter.close()
    expect(tokensOf(fake)).toBe(120 * 22)
  },
)

test.each(shapes)('%s: sums are billed once through lost answers', async (_, options, more) => {
  const fake = await lago(more)
  const outbox = memoryOutbox()
  await outbox.append(recordsOf(500, { at: Date.parse('2026-11-21T10:20:30.456Z') }))
  for (const skip of [1, 0, 2]) fake.failWith({ connection: 'reset', processed: true }, { skip })
  const meter = meterOn(outbox, aggregated(sinkOn(fake, options), { lingerMs: 0 }))
  await meter.flush()
  expect(await outbox.stats('lago')).toMatchObject({ delivered: 500, pending: 0 })
  expect(tokensOf(fake)).toBe(500 * 22)
  expect(fake.events.length).toBeLessThanOrEqual(3)
})

test('a dead letter is billed once when it is put right and requeued', async () => {
  let isBroken = true
  const fake = await lago({ expression: () => (isBroken ? 'rate not found' : undefined) })
  const outbox = memoryOutbox()
  await outbox.append(recordsOf(3))
  const meter = meterOn(outbox, sinkOn(fake, {}))
  await meter.flush()
  const dead = await outbox.deadLetters('lago')
  expect(dead.map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/rate not found/),
    expect.stringMatching(/rate not found/),
    expect.stringMatching(/rate not found/),
  ])
  isBroken = false
  await outbox.requeue('lago')
  await meter.flush()
  expect(tokensOf(fake)).toBe(3 * 22)
})

test('events that turned out not to be billed are sent under other ids', async () => {
  const fake = await lago({})
  const outbox = memoryOutbox()
  await outbox.append(recordsOf(1))
  const meter = meterOn(outbox, sinkOn(fake, { code: 'misspelt', checkCodes: false }))
  await meter.flush()
  await meter.close()
  await outbox.correct('lago', ['r0'], {
    state: 'dead',
    reason: 'no metric',
    refusedEventIds: ['r0'],
  })
  await outbox.requeue('lago')
  const batch = await outbox.claim('lago', { limit: 10, leaseMs: 1000 })
  if (batch === undefined) throw new Error('nothing to claim')
  expect(await sinkOn(fake, {}).send(batch, never)).toMatchObject([{ status: 'accepted' }])
  expect(fake.events.map((event) => event.transaction_id)).toEqual(['r0', 'r0~2'])
})
