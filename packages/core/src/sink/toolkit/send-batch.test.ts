import { exampleRecord } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import type { Batch, BatchEntry } from '../batch.ts'
import { noEvent, rejected, sendBatch } from './send-batch.ts'

const never = new AbortController().signal

function entry(customer: string | null, known: Partial<BatchEntry> = {}): BatchEntry {
  return {
    record: exampleRecord({ customer }),
    attempts: 0,
    firstAttemptAt: undefined,
    uncertainSince: undefined,
    deliveredEventIds: [],
    refusedEventIds: [],
    ...known,
  }
}

function batchOf(...entries: readonly BatchEntry[]): Batch {
  return { id: 'b', sink: 's', lease: 'l', entries }
}

test('each record gets the result of its own events, and those that send none keep their place', async () => {
  const asked: string[] = []
  const batch = batchOf(...['2', null, '0', 'bad', '1'].map((customer) => entry(customer)))
  const results = await sendBatch(
    batch,
    {
      eventsOf: ({ record }) => {
        if (record.customer === 'bad') return rejected('bad customer')
        const count = Number(record.customer)
        return { events: Array.from({ length: count }, (_, index) => `${count}:${index}`) }
      },
      idOf: (event) => event,
      readable: (reason) => reason.toUpperCase(),
      sender: {
        send: async (queued) => {
          asked.push(...queued.map(({ event }) => event))
          return queued.map(({ id }) => ({
            id,
            outcome: { status: 'retry', scope: 'backend', reason: `sent ${id}` },
          }))
        },
      },
      resultOf: (sent, { record }) => ({
        status: 'retry',
        reason: `${record.customer}: ${sent.map(({ outcome }) => 'reason' in outcome && outcome.reason).join()}`,
      }),
    },
    never,
  )
  expect(asked).toEqual(['2:0', '2:1', '1:0'])
  expect(results).toEqual([
    { status: 'retry', reason: '2: SENT 2:0,SENT 2:1' },
    { status: 'rejected', reason: 'nobody is named to bill it to: attribute it' },
    { status: 'retry', reason: '0: ' },
    { status: 'rejected', reason: 'bad customer' },
    { status: 'retry', reason: '1: SENT 1:0' },
  ])
})

test('what arrived is not sent again; an event is uncertain where it may have been sent', async () => {
  const known = {
    attempts: 2,
    deliveredEventIds: ['a'],
    uncertainSince: 5,
    uncertainEventIds: ['b'],
  }
  const queued: object[] = []
  const steps = {
    eventsOf: () => ({ events: ['a', 'b', 'c'] }),
    idOf: (event: string) => event,
    readable: (reason: string) => reason,
    sender: {
      send: async (events: readonly { readonly id: string }[]) => {
        queued.push(...events)
        return events.map(({ id }) => ({ id, outcome: { status: 'accepted' as const } }))
      },
    },
  }
  expect(await sendBatch(batchOf(entry('c', known)), steps, never)).toEqual([
    { status: 'accepted' },
  ])
  expect(queued).toEqual([
    { id: 'b', event: 'b', attempts: 2, uncertainSince: 5 },
    { id: 'c', event: 'c', attempts: 2, uncertainSince: undefined },
  ])
})

test('of what no event can be made is a dead letter, which may have arrived all the same', () => {
  const error = new Error('no such plan')
  const reason = 'no event could be made of it: no such plan'
  expect(noEvent(entry('c'), error)).toEqual({
    result: { status: 'rejected', reason, code: 'no_event' },
  })
  expect(noEvent(entry('c', { uncertainSince: 5 }), error)).toEqual({
    result: { status: 'rejected', reason, code: 'uncertain', since: 5 },
  })
})
