import { expect, test } from 'vitest'
import {
  aggregated,
  createMeter,
  memoryOutbox,
  type Outbox,
  type Sink,
  startingFrom,
} from '../src/index.ts'
import { Backend, quick, usage } from './backend.ts'

/** An outbox that stays when its meter closes, as a file does. */
const lasting = (): Outbox => ({ ...memoryOutbox(), durable: true, close: () => {} })

function start(outbox: Outbox, ...sinks: Sink[]) {
  return createMeter({ providers: [], outbox, sinks, delivery: quick, onError: () => {} })
}

const noon = Date.UTC(2026, 9, 21, 12)
const hour = 3_600_000

/** An outbox from which the first sink has delivered a record of each of three hours. */
async function usedOutbox() {
  const outbox = lasting()
  const first = new Backend()
  await using meter = start(outbox, first.sink('first'))
  for (const [index, id] of ['early', 'noon', 'late'].entries()) {
    await meter.record({ ...usage(id), at: noon + (index - 1) * hour })
  }
  await meter.flush()
  return { outbox, first }
}

test('one sink that is down holds no other back, and loses nothing', async () => {
  const [down, up] = [new Backend(), new Backend()]
  down.down = new Error('maintenance')
  await using meter = start(lasting(), down.sink('down'), up.sink('up'))
  for (const id of ['a', 'b', 'c']) await meter.record(usage(id))
  await expect(meter.flush({ timeoutMs: 300 })).rejects.toThrow(/down/)
  expect(up.accepted).toEqual(['a', 'b', 'c'])
  const { sinks } = await meter.stats()
  expect(sinks).toMatchObject({ up: { delivered: 3 }, down: { pending: 3, delivered: 0 } })
  down.down = undefined
  await meter.flush()
  expect(down.accepted).toEqual(['a', 'b', 'c'])
  expect(up.accepted).toEqual(['a', 'b', 'c'])
})

test('what one sink refuses is a dead letter of that sink only', async () => {
  const [strict, easy] = [new Backend(), new Backend()]
  strict.answer = (id) => (id === 'b' ? { status: 'rejected', reason: 'no' } : undefined)
  const meter = start(lasting(), strict.sink('strict'), easy.sink('easy'))
  for (const id of ['a', 'b', 'c']) await meter.record(usage(id))
  await meter.flush()
  expect((await meter.outbox.deadLetters('strict')).map(({ record }) => record.id)).toEqual(['b'])
  expect(await meter.outbox.deadLetters('easy')).toEqual([])
  expect(easy.accepted).toEqual(['a', 'b', 'c'])
  await meter.outbox.discard('strict')
  await meter.close()
})

test('a sink added later gets everything that is kept, unless it is told', async () => {
  const { outbox, first } = await usedOutbox()
  const added = new Backend()
  await using meter = start(outbox, first.sink('first'), added.sink('added'))
  await meter.flush()
  expect(added.accepted).toEqual(['early', 'noon', 'late'])
})

test('a sink that starts from now gets nothing of the past', async () => {
  const { outbox, first } = await usedOutbox()
  const added = new Backend()
  await using meter = start(outbox, first.sink('first'), startingFrom(added.sink('added'), 'now'))
  await meter.flush()
  await meter.record(usage('next'))
  await meter.flush()
  expect(added.accepted).toEqual(['next'])
  expect(first.accepted).toEqual(['early', 'noon', 'late', 'next'])
  expect((await meter.stats()).sinks['added']).toMatchObject({ recorded: 1, delivered: 1 })
})

test('a sink that starts from a time is filled from the ledger', async () => {
  const { outbox } = await usedOutbox()
  const added = new Backend()
  await using meter = start(outbox, startingFrom(added.sink('added'), new Date(noon)))
  await meter.flush()
  expect(added.accepted).toEqual(['noon', 'late'])
})

test('where it starts is decided once, and holds over restarts', async () => {
  const { outbox } = await usedOutbox()
  const added = new Backend()
  added.down = new Error('maintenance')
  const first = start(outbox, startingFrom(added.sink('added'), new Date(noon)))
  await first.flush({ timeoutMs: 200 }).catch(() => {})
  await first.close({ timeoutMs: 50 }).catch(() => {})
  added.down = undefined
  await using meter = start(outbox, startingFrom(added.sink('added'), 'now'))
  await meter.flush()
  expect(added.accepted).toEqual(['noon', 'late'])
})

test.each([
  ['inside', (sink: Sink) => aggregated(startingFrom(sink, new Date(noon)))],
  ['outside', (sink: Sink) => startingFrom(aggregated(sink), new Date(noon))],
])('sums start from a time too, set %s', async (_, wrap) => {
  const { outbox } = await usedOutbox()
  const sums: number[] = []
  const sink: Sink = {
    name: 'sums',
    send: async ({ entries }) =>
      entries.map(({ record }) => {
        sums.push(record.tokens.input)
        return { status: 'accepted' }
      }),
  }
  await using meter = start(outbox, wrap(sink))
  await meter.flush()
  expect(sums).toEqual([10, 10])
})

test.each(['yesterday', 0, null, new Date('never')])('a start at %s is refused', (when) => {
  expect(() => startingFrom(new Backend().sink(), when as never)).toThrow(/'now' or a Date/)
})
