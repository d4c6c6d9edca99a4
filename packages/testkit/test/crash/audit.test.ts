import type { LedgerEntry, SinkStats } from '@token-meter/core'
import { toMeterEvents } from '@token-meter/core/adapter'
import { exampleRecord } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import { audit, type Remains } from '../../src/crash/audit.ts'
import { plannedCall } from '../../src/crash/planned-call.ts'

const keys = ['a.0.0', 'a.0.1', 'b.1.0']
const records = keys.map((key) => {
  const { customer, model, tokens, feature } = plannedCall(key)
  const attributes = { feature }
  return exampleRecord({ id: `id-${key}`, customer, model, tokens, attributes, raw: { call: key } })
})
const resolved = keys.map((key) => ({ key, recordId: `id-${key}`, tookMs: 20 }))
const ledger: readonly LedgerEntry[] = records.map((record) => ({
  record,
  state: 'delivered',
  deliveredEventIds: [],
}))
const meterEvents: Remains['meterEvents'] = records
  .flatMap((record) => toMeterEvents(record))
  .map(({ id, name, customer, value, timestamp, dimensions }) => ({
    api: 'v2',
    event_name: name,
    identifier: id,
    timestamp,
    payload: { stripe_customer_id: customer, value: String(value), ...dimensions },
  }))
const none = { pending: 0, delivered: 0, dead: 0, unattributed: 0, discarded: 0, held: 0 }
const stats: SinkStats = { ...none, recorded: 3, delivered: 3 }
const remains: Remains = { ledger, stats, meterEvents, resolved, aggregate: false }

function changedFirst<Item>(items: readonly Item[], change: (first: Item) => Item): Item[] {
  return items.map((item, index) => (index === 0 ? change(item) : item))
}

test('nothing is wrong when all sides agree; a call cut off after it was recorded is no fault', () => {
  expect(audit(remains).problems).toEqual([])
  expect(audit({ ...remains, resolved: resolved.slice(1) }).problems).toEqual([])
  // An outbox that is slow to acknowledge lets the call go on.
  const slow = resolved.map(({ key }) => ({ key, recordId: undefined, tookMs: 5010 }))
  expect(audit({ ...remains, resolved: slow }).problems).toEqual([])
  const [first] = slow
  const lost = { key: 'lost', recordId: undefined, tookMs: 5010 }
  expect(audit({ ...remains, resolved: [first!, lost] })).toMatchObject({
    problems: [],
    unacknowledgedLost: 1,
  })
  const { rows } = audit(remains)
  expect(rows.every(({ recorded, billed }) => recorded === billed && recorded > 0)).toBe(true)
})

describe('it is found when', () => {
  test.each<[string, Partial<Remains>, RegExp]>([
    [
      'a call resolved and nothing was acknowledged',
      { resolved: [...resolved, { key: 'lost', recordId: undefined, tookMs: 20 }] },
      /^lost had resolved within 20 ms/,
    ],
    [
      'an acknowledged call is not recorded',
      { resolved: [...resolved, { key: 'lost', recordId: 'id-lost', tookMs: 20 }] },
      /^lost was acknowledged as id-lost/,
    ],
    [
      'an acknowledged record has another id now',
      { resolved: changedFirst(resolved, (call) => ({ ...call, recordId: 'other' })) },
      /^a.0.0 was acknowledged as other/,
    ],
    [
      'what was acknowledged is neither recorded nor billed',
      {
        ledger: ledger.slice(1),
        stats: { ...none, recorded: 2, delivered: 2 },
        meterEvents: meterEvents.filter(({ identifier }) => !identifier?.startsWith('id-a.0.0')),
      },
      /^acknowledged, and not billed so/,
    ],
    ['a call is recorded twice', { ledger: [...ledger, ...ledger.slice(0, 1)] }, /recorded twice/],
    ['an event is not billed', { meterEvents: meterEvents.slice(1) }, /not billed$/],
    ['an event is billed twice', { meterEvents: [...meterEvents, ...meterEvents] }, /billed twice/],
    [
      'something is billed that nobody used',
      { ledger: ledger.slice(1), stats: { ...none, recorded: 2, delivered: 2 } },
      /not recorded so/,
    ],
    [
      'one token too many is billed',
      {
        meterEvents: changedFirst(meterEvents, (event) => ({
          ...event,
          payload: { ...event.payload, value: String(Number(event.payload['value']) + 1) },
        })),
      },
      /the sums differ/,
    ],
    [
      'another customer is billed',
      {
        meterEvents: changedFirst(meterEvents, (event) => ({
          ...event,
          payload: { ...event.payload, stripe_customer_id: 'cus_other' },
        })),
      },
      /the sums differ/,
    ],
    [
      'a record has other counts than the call',
      {
        ledger: changedFirst(ledger, (entry) => ({
          ...entry,
          record: { ...entry.record, tokens: { ...entry.record.tokens, output: 1 } },
        })),
      },
      /is recorded as/,
    ],
    [
      'a record is a dead letter',
      { ledger: changedFirst(ledger, (entry) => ({ ...entry, state: 'dead', reason: 'gone' })) },
      /is dead: gone/,
    ],
    ['the counters do not add up', { stats: { ...stats, recorded: 4 } }, /^stats/],
    ['a counter says less', { stats: { ...none, recorded: 3, delivered: 2, dead: 1 } }, /^stats/],
  ])('%s', (_, change, problem) => {
    const { problems } = audit({ ...remains, ...change })
    expect(problems).toContainEqual(expect.stringMatching(problem))
  })
})

describe('of sums, which have events of their own', () => {
  const sums = meterEvents.map((event) => ({ ...event, identifier: `sum-${event.identifier}` }))
  const ofSums: Remains = { ...remains, meterEvents: sums, aggregate: true }

  test('totals are compared', () => {
    expect(audit(ofSums).problems).toEqual([])
  })

  test.each<[string, Partial<Remains>, RegExp]>([
    ['a sum is not billed', { meterEvents: sums.slice(1) }, /the sums differ/],
    ['a sum is billed twice', { meterEvents: [...sums, ...sums] }, /billed twice/],
    [
      'less is billed than was acknowledged',
      {
        ledger: ledger.slice(1),
        stats: { ...none, recorded: 2, delivered: 2 },
        meterEvents: sums.filter(({ identifier }) => !identifier.startsWith('sum-id-a.0.0')),
      },
      /less is billed than was acknowledged/,
    ],
  ])('%s', (_, change, problem) => {
    const { problems } = audit({ ...ofSums, ...change })
    expect(problems).toContainEqual(expect.stringMatching(problem))
  })
})
