import { exampleRecord } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import type { Batch, BatchEntry } from './batch.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import { aggregatesOf, eventsOfMember } from './aggregates.ts'

function batchOf(...given: readonly Partial<UsageRecord & BatchEntry>[]): Batch {
  const entries = given.map(
    ({ attempts = 0, uncertainSince, deliveredEventIds = [], ...rest }, index) => ({
      attempts,
      firstAttemptAt: undefined,
      uncertainSince,
      deliveredEventIds,
      record: exampleRecord({ id: `r${index}`, at: 60_000 + index, details: {}, ...rest }),
    }),
  )
  return { id: 'batch', sink: 's', lease: 'l', entries }
}

test('counts and quantities add up, and the weakest outcome and the latest time stand for all', () => {
  const [sum, ...others] = aggregatesOf(
    batchOf(
      {
        details: { reasoning: 5, estimated: ['output'], gatewayCallId: 'x' },
        outcome: 'estimated',
      },
      { details: { reasoning: 2, seconds: 1.5, estimated: ['input'] }, requestedModel: 'other' },
      { outcome: 'partial', attempts: 3, uncertainSince: 70 },
    ),
    60_000,
  )
  expect(others).toEqual([])
  expect(sum?.members).toEqual([0, 1, 2])
  expect(sum?.entry).toMatchObject({
    attempts: 3,
    uncertainSince: 70,
    record: {
      tokens: { input: 3600, cachedInput: 900, cachedWrite: 0, output: 255 },
      requests: 3,
      details: { reasoning: 7, seconds: 1.5, estimated: ['output', 'input'] },
      outcome: 'estimated',
      requestedModel: null,
      at: 60_002,
      raw: null,
    },
  })
  expect(sum?.entry.record.details).not.toHaveProperty('gatewayCallId')
})

test('a sum says of how many requests it is one, or that nobody knows', () => {
  const sumOf = (...given: readonly Partial<UsageRecord>[]) =>
    aggregatesOf(batchOf(...given), 60_000)[0]?.entry.record
  const parts = [{ tokens: { input: 1, cachedInput: 0, cachedWrite: 0, output: 1 }, details: {} }]
  expect(sumOf({}, { requests: 1000 })).toMatchObject({ requests: 1001 })
  expect(sumOf({ requests: 2, parts }, {})).not.toHaveProperty('parts')
  expect(sumOf({}, { requests: null })).toMatchObject({ requests: null })
  expect(sumOf({})).not.toHaveProperty('requests')
  expect(sumOf({ requests: 2, parts })).toMatchObject({ requests: 2, parts })
})

test('amounts of money add up as decimals, and so do costs with doubts', () => {
  const cost = { currency: 'USD', provider: '0.1', billed: '0.1', source: 'prices' } as const
  const [sum] = aggregatesOf(
    batchOf(
      { details: { providerCostUsd: 0.1 }, cost },
      { details: { providerCostUsd: 0.2 }, cost: { ...cost, tierUnknown: true } },
    ),
    60_000,
  )
  expect(sum?.entry.record).toMatchObject({
    details: { providerCostUsd: 0.3 },
    cost: { ...cost, provider: '0.2', billed: '0.2', tierUnknown: true },
  })
})

test.each<[string, Partial<UsageRecord & BatchEntry>]>([
  ['key at a gateway', { details: { byok: true } }],
  ['customer', { customer: 'cus_2' }],
  ['provider', { provider: 'azure' }],
  ['model', { model: 'gpt-5.4-mini' }],
  ['endpoint', { endpoint: 'responses' }],
  ['tier', { serviceTier: 'flex' }],
  ['attributes', { attributes: { feature: 'chat' } }],
  ['speed', { details: { speed: 'fast' } }],
  ['window', { at: 120_000 }],
  ['answer to who is billed', { unbilled: 'linked' }],
  ['events delivered before', { deliveredEventIds: ['r1:input'] }],
])('another %s is another sum, and its id is its own', (_, other) => {
  const sums = aggregatesOf(batchOf({}, other), 60_000)
  expect(sums.map(({ members }) => members)).toEqual([[0], [1]])
  expect(new Set(sums.map(({ entry }) => entry.record.id)).size).toBe(2)
})

test('what is unbilled for one reason is summed, and stays unbilled', () => {
  const [free, other] = [{ unbilled: 'refusal:cyber' }, { unbilled: 'linked' }]
  const sums = aggregatesOf(batchOf(free, {}, other, free), 60_000)
  expect(sums.map(({ members }) => members)).toEqual([[0, 3], [1], [2]])
  expect(sums.map(({ entry }) => entry.record.unbilled)).toEqual([
    'refusal:cyber',
    undefined,
    'linked',
  ])
})

test('the order of attributes makes no other sum', () => {
  const attributes = [
    { a: '1', b: '2' },
    { b: '2', a: '1' },
  ]
  expect(
    aggregatesOf(batchOf(...attributes.map((each) => ({ attributes: each }))), 1000),
  ).toHaveLength(1)
})

test('an id is the same for ever: it may have been sent by an earlier version', () => {
  const [sum] = aggregatesOf(batchOf({}, {}), 60_000)
  expect(sum?.entry.record.id).toMatchInlineSnapshot(`"970dc574-8280-5d82-a172-81c01a3d2251"`)
})

test('events that arrive in a batch leave a sum what it was, and are known of each member', () => {
  const before = aggregatesOf(batchOf({}, {}), 60_000)[0]?.entry
  const id = before?.record.id ?? ''
  const events = (memberId: string) => eventsOfMember('batch', id, memberId, [`${id}:input`])
  expect(events('r0')).toEqual(['r0:input', 'batch:input'])
  const after = aggregatesOf(
    batchOf({ deliveredEventIds: events('r0') }, { deliveredEventIds: events('r1') }),
    60_000,
  )
  expect(after).toHaveLength(1)
  expect(after[0]?.entry.record).toEqual(before?.record)
  expect(after[0]?.entry.deliveredEventIds).toContain(`${id}:input`)
})
