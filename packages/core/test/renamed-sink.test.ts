import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  aggregated,
  createMeter,
  functionSink,
  memoryOutbox,
  type Outbox,
  renamedFrom,
  type Sink,
  startingFrom,
  type TokenMeterError,
} from '../src/index.ts'
import { sqliteOutbox } from '../src/sqlite.ts'
import { Backend, quick, usage } from './backend.ts'
import { temporaryFolder } from './outbox/temporary-folder.ts'

function places(): [string, () => () => Outbox][] {
  return [
    [
      'in memory',
      () => {
        const outbox = { ...memoryOutbox(), durable: true, close: () => {} }
        return () => outbox
      },
    ],
    [
      'in a file',
      () => {
        const file = join(temporaryFolder(), 'usage.db')
        return () => sqliteOutbox(file)
      },
    ],
  ]
}

function start(outbox: Outbox, ...sinks: Sink[]) {
  const errors: TokenMeterError[] = []
  const onError = (error: TokenMeterError) => void errors.push(error)
  const meter = createMeter({ providers: [], outbox, sinks, delivery: quick, onError })
  return { meter, errors }
}

/** Three records that the sink "old" has, and one that it has not. */
async function used(open: () => Outbox) {
  const old = new Backend()
  const { meter } = start(open(), old.sink('old'))
  for (const id of ['a', 'b', 'c']) await meter.record(usage(id))
  await meter.flush()
  old.down = new Error('away')
  await meter.record(usage('late'))
  await meter.close({ timeoutMs: 20 }).catch(() => {})
  expect(old.accepted).toEqual(['a', 'b', 'c'])
}

test.each(places())(
  'a new name beside an absent one is held, and told once: %s',
  async (_, place) => {
    const open = place()
    await used(open)
    const added = new Backend()
    const { meter, errors } = start(open(), added.sink('new'))
    await meter.record(usage('next'))
    const { sinks } = await meter.flush()
    expect(added.accepted).toEqual(['next'])
    expect(sinks['new']).toMatchObject({ recorded: 5, delivered: 1, held: 4, pending: 0 })
    await meter.flush()
    expect(errors).toMatchObject([{ code: 'held', sink: 'new', held: 4, reason: 'new-sink-name' }])
    expect(errors[0]?.message).toMatch(/renamedFrom.*startingFrom.*outbox\.removeSink\("old"\)/s)
    await meter.close()
    // It is still so after a restart, and stays so when the old one is used again.
    const again = start(open(), added.sink('new'), new Backend().sink('old'))
    await again.meter.flush()
    expect(added.accepted).toEqual(['next'])
    await again.meter.close()
  },
)

test.each(places())('renamedFrom goes on where the old one was: %s', async (_, place) => {
  const open = place()
  await used(open)
  const added = new Backend()
  const first = start(open(), renamedFrom(added.sink('new'), 'old'))
  await first.meter.record(usage('next'))
  const { sinks } = await first.meter.flush()
  expect(added.accepted.toSorted()).toEqual(['late', 'next'])
  expect(sinks['new']).toMatchObject({ recorded: 5, delivered: 5, held: 0 })
  expect(first.errors).toEqual([])
  await first.meter.close()
  // An older version that comes back sends nothing, and says why.
  const old = new Backend()
  const back = start(open(), old.sink('old'))
  await expect(back.meter.flush({ timeoutMs: 100 })).rejects.toThrow(/old/)
  expect(old.accepted).toEqual([])
  expect(back.errors).toMatchObject([{ code: 'held', reason: 'renamed', sink: 'old' }])
  await back.meter.close({ timeoutMs: 10 }).catch(() => {})
})

test.each<[string, (added: Backend, open: () => Outbox) => Promise<Sink>, string[]]>([
  ['renamedFrom', async (added) => renamedFrom(added.sink('new'), 'old'), ['late', 'next']],
  ['startingFrom', async (added) => startingFrom(added.sink('new'), 'now'), ['next']],
  [
    'removeSink',
    async (added, open) => {
      await open().removeSink('old')
      return added.sink('new')
    },
    ['a', 'b', 'c', 'late', 'next'],
  ],
])('what was held goes the way that is said later: %s', async (_, say, expected) => {
  for (const [, place] of places()) {
    const open = place()
    await used(open)
    const added = new Backend()
    const held = start(open(), added.sink('new'))
    await held.meter.flush()
    await held.meter.record(usage('next'))
    await held.meter.flush()
    await held.meter.close()
    const { meter } = start(open(), await say(added, open))
    const { sinks } = await meter.flush()
    expect(added.accepted.toSorted()).toEqual(expected)
    expect(sinks['new']).toMatchObject({ held: 0, pending: 0 })
    await meter.close()
  }
})

test('meters with different sinks on one outbox are not absent to each other', async () => {
  for (const [, place] of places()) {
    const open = place()
    const [one, other] = [new Backend(), new Backend()]
    const first = start(open(), one.sink('one'))
    await first.meter.record(usage('a'))
    await first.meter.flush()
    const second = start(open(), other.sink('other'))
    await second.meter.flush()
    expect(other.accepted).toEqual(['a'])
    expect(second.errors).toEqual([])
    // It takes no place while that is in use.
    const third = start(open(), renamedFrom(new Backend().sink('third'), 'one'))
    await expect(third.meter.flush({ timeoutMs: 100 })).rejects.toThrow(/third/)
    for (const { meter } of [third, second, first]) {
      await meter.close({ timeoutMs: 100 }).catch(() => {})
    }
  }
})

test('first sinks, sinks beside known ones, and sinks of another kind begin with everything', async () => {
  const open = places()[0]![1]()
  const none = start(open())
  await none.meter.record(usage('a'))
  await none.meter.close()
  const seen: string[] = []
  const watch = (name: string) =>
    functionSink(
      name,
      async (records) => void seen.push(...records.map(({ id }) => `${name} ${id}`)),
    )
  const first = start(open(), watch('watch'))
  await first.meter.flush()
  await first.meter.close()
  // The observer is absent, but no sink that bills was ever one.
  const [bills, more] = [new Backend(), new Backend()]
  const second = start(open(), bills.sink('bills'))
  await second.meter.flush()
  await second.meter.close()
  const third = start(open(), bills.sink('bills'), more.sink('more'))
  await third.meter.flush()
  expect([...bills.accepted, ...more.accepted]).toEqual(['a', 'a'])
  await third.meter.close()
  const fourth = start(open(), watch('watch2'))
  await fourth.meter.flush()
  expect(seen).toEqual(['watch a'])
  expect(fourth.errors).toMatchObject([{ reason: 'new-sink-name', sink: 'watch2' }])
  await fourth.meter.close()
})

test('what is put in front of a sink keeps its name before, its mode, and what it is', () => {
  const sink = renamedFrom(new Backend().sink('new', { livemode: false, bills: false }), 'old')
  const expected = { renamedFrom: 'old', livemode: false, bills: false }
  expect(sink).toMatchObject(expected)
  expect(aggregated(startingFrom(sink, 'now'))).toMatchObject(expected)
})

test.each(['', 'new', 7, null])('a name before of %s is refused', (name) => {
  expect(() => renamedFrom(new Backend().sink('new'), name as never)).toThrow(
    /renamedFrom\("new"\)/,
  )
})
