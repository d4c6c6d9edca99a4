import { expect, test } from 'vitest'
import { cost, type CostOptions } from '../src/cost.ts'
import {
  aggregated,
  createMeter,
  memoryOutbox,
  type Sink,
  type TokenMeterError,
  type UsageRecord,
} from '../src/index.ts'
import { quick, usage } from './backend.ts'

const prices = { 'openai/gpt-5.4': { input: '2.5', output: 15 } }

/** A sink that bills amounts, and refuses what has none. */
function amounts(sent: UsageRecord[]): Sink {
  return {
    name: 'amounts',
    send: async ({ entries }) =>
      entries.map(({ record }) => {
        if (record.cost === undefined) return { status: 'rejected', reason: 'it has no cost' }
        sent.push(record)
        return { status: 'accepted' }
      }),
  }
}

/** As if it outlived the meter, which therefore loses nothing when it is closed with dead letters. */
const lastingOutbox = () => ({ ...memoryOutbox(), durable: true, close: () => {} })

function start(options: CostOptions, wrap = (sink: Sink) => sink, outbox = lastingOutbox()) {
  const errors: TokenMeterError[] = []
  const sent: UsageRecord[] = []
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [wrap(amounts(sent))],
    delivery: quick,
    cost: cost(options),
    onError: (error) => void errors.push(error),
  })
  return { meter, errors, sent, outbox }
}

test('every record carries its cost, in the ledger and to the sinks', async () => {
  const { meter, sent } = start({ prices, markup: 20 })
  await using _ = meter
  await meter.record(usage('r1'))
  await meter.flush()
  const expected = { currency: 'USD', provider: '0.000055', billed: '0.000066', source: 'prices' }
  expect(sent[0]?.cost).toMatchObject(expected)
  const ledger = await meter.outbox.ledger('amounts')
  expect(ledger.entries[0]?.record.cost).toMatchObject(expected)
})

test('a model without a price is told once, by name, and its record is kept', async () => {
  const { meter, errors } = start({ prices })
  await using _ = meter
  for (const id of ['a', 'b']) await meter.record({ ...usage(id), model: 'gpt-6' })
  await meter.flush()
  const told = errors.filter(({ code }) => code === 'cost')
  expect(told.map(({ message }) => message)).toEqual([
    'usage of openai "gpt-6" has no cost: no price list knows it. Add its price to cost({ prices }).',
  ])
  expect((await meter.stats()).sinks['amounts']).toMatchObject({ recorded: 2, dead: 2 })
})

test('a price function that fails harms no record', async () => {
  const fail = () => {
    throw new Error('database down')
  }
  const { meter, errors } = start({ prices: fail })
  await using _ = meter
  await meter.record(usage('r1'))
  expect(errors[0]).toMatchObject({ code: 'cost', cause: new Error('database down') })
  expect((await meter.stats()).recorded).toBe(1)
})

test('what was refused for its missing price is billed when the price is known', async () => {
  const outbox = lastingOutbox()
  const first = start({ prices: {} }, undefined, outbox)
  await first.meter.record(usage('r1'))
  await first.meter.flush()
  await first.meter.close()
  const second = start({ prices }, undefined, outbox)
  await using meter = second.meter
  expect(await meter.outbox.requeue('amounts')).toBe(1)
  await meter.flush()
  expect(second.sent.map(({ id, cost }) => [id, cost?.billed])).toEqual([['r1', '0.000055']])
})

test('sums of records cost what the records cost together, exactly', async () => {
  const { meter, sent } = start({ prices, markup: '0.1' }, (sink) => aggregated(sink))
  await using _ = meter
  for (let index = 0; index < 10; index++) await meter.record({ ...usage(`r${index}`), at: 1e12 })
  await meter.record({ ...usage('other'), model: 'gpt-6', at: 1e12 })
  await meter.flush()
  expect(sent.map(({ tokens, cost }) => [tokens.input, cost?.provider, cost?.billed])).toEqual([
    [100, '0.00055', '0.00055055'],
  ])
  expect((await meter.stats()).sinks['amounts']).toMatchObject({ delivered: 10, dead: 1 })
})

test('what was refused in sums for its missing price is billed in sums when it is known', async () => {
  const outbox = lastingOutbox()
  const sums = (sink: Sink) => aggregated(sink)
  const first = start({ prices: {} }, sums, outbox)
  for (const id of ['a', 'b']) await first.meter.record({ ...usage(id), at: 1e12 })
  await first.meter.flush()
  await first.meter.close()
  const second = start({ prices }, sums, outbox)
  await using meter = second.meter
  expect(await meter.outbox.requeue('amounts')).toBe(2)
  await meter.flush()
  expect(second.sent.map(({ cost }) => cost?.billed)).toEqual(['0.00011'])
  expect((await meter.stats()).sinks['amounts']).toMatchObject({ delivered: 2, dead: 0 })
})

test('a sum that may have arrived without its cost keeps its id when the price is known', async () => {
  const outbox = lastingOutbox()
  const ids: string[] = []
  const known = { now: false }
  const lost = (): Sink => ({
    name: 'amounts',
    send: async ({ entries }) => {
      ids.push(...entries.map(({ record }) => record.id))
      if (ids.length === 1) {
        known.now = true
        throw new Error('no answer')
      }
      return entries.map(() => ({ status: 'accepted' }))
    },
  })
  const price = () => (known.now ? '0.1' : undefined)
  const { meter } = start({ prices: price }, () => aggregated(lost()), outbox)
  await using _ = meter
  for (const id of ['a', 'b']) await meter.record({ ...usage(id), at: 1e12 })
  await meter.flush()
  expect(ids).toHaveLength(2)
  expect(new Set(ids).size).toBe(1)
})

test('one record without a price does not take its neighbours in a sum with it', async () => {
  const known = ({ at }: UsageRecord) => (at === 1e12 ? undefined : '0.1')
  const { meter, sent } = start({ prices: known }, (sink) => aggregated(sink))
  await using _ = meter
  await meter.record({ ...usage('unknown'), at: 1e12 })
  await meter.record({ ...usage('known'), at: 1e12 + 1 })
  await meter.flush()
  expect(sent.map(({ cost }) => cost?.billed)).toEqual(['0.1'])
})

test('a calculator that answers a promise costs nothing and ends nothing', async () => {
  const errors: TokenMeterError[] = []
  const calculate = async () => Promise.reject(new Error('database down'))
  await using meter = createMeter({
    providers: [],
    sinks: [],
    outbox: memoryOutbox(),
    cost: calculate as never,
    onError: (error) => void errors.push(error),
  })
  const kept: UsageRecord[] = []
  meter.on('usage', (record) => void kept.push(record))
  await meter.record(usage('r1'))
  expect(kept.map(({ cost }) => cost)).toEqual([undefined])
  expect(errors[0]?.message).toMatch(/answered a promise/)
})

test('what is no calculator is refused', () => {
  expect(() => createMeter({ providers: [], cost: { prices } as never })).toThrow(
    /made by cost\(\)/,
  )
})
