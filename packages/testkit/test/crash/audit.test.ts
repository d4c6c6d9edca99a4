import type { LedgerEntry, SinkStats } from '@token-meter/core'
import { toMeterEvents } from '@token-meter/core/adapter'
import { exampleRecord } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import { audit, type Remains } from '../../src/crash/audit.ts'
import { plannedCall } from '../../src/crash/planned-call.ts'

const keys = ['a.0.0', 'a.0.1', 'b.1.0']
const records = keys.map((key) => {
  const { customer, model, tokens } = plannedCall(key)
  return exampleRecord({ id: `id-${key}`, customer, model, tokens, attributes: { call: key } })
})
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
const none = { pending: 0, delivered: 0, dead: 0, unattributed: 0, discarded: 0 }
const stats: SinkStats = { ...none, recorded: 3, delivered: 3 }
const remains: Remains = { ledger, stats, meterEvents, resolved: keys }

function changedFirst<Item>(items: readonly Item[], change: (first: Item) => Item): Item[] {
  return items.map((item, index) => (index === 0 ? change(item) : item))
}

test('nothing is wrong when all sides agree; a call cut off after it was recorded is no fault', () => {
  expect(audit(remains).problems).toEqual([])
  expect(audit({ ...remains, resolved: keys.slice(1) }).problems).toEqual([])
  const { rows } = audit(remains)
  expect(rows.every(({ recorded, billed }) => recorded === billed && recorded > 0)).toBe(true)
})

describe('it is found when', () => {
  test.each<[string, Partial<Remains>, RegExp]>([
    ['a resolved call is not recorded', { resolved: [...keys, 'lost'] }, /^lost had resolved/],
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
