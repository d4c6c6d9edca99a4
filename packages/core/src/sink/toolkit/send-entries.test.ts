import { exampleRecord } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import type { Batch, BatchEntry } from '../batch.ts'
import { rejected, sendEntries } from './send-entries.ts'

function batchOf(...customers: readonly (string | null)[]): Batch {
  const entries: BatchEntry[] = customers.map((customer) => ({
    record: exampleRecord({ customer }),
    attempts: 0,
    firstAttemptAt: undefined,
    uncertainSince: undefined,
    deliveredEventIds: [],
    refusedEventIds: [],
  }))
  return { id: 'b', sink: 's', lease: 'l', entries }
}

test('each record gets the result of its own events, and those that send none keep their place', async () => {
  const asked: string[] = []
  const results = await sendEntries(batchOf('2', null, '0', 'bad', '1'), {
    eventsOf: ({ record }) => {
      if (record.customer === 'bad') return rejected('bad customer')
      const count = Number(record.customer)
      return { queued: Array.from({ length: count }, (_, index) => `${count}:${index}`) }
    },
    send: async (queued) => {
      asked.push(...queued)
      return queued.map((event) => `sent ${event}`)
    },
    idOf: (event) => event,
    outcomeOf: () => ({ status: 'accepted' }),
    resultOf: (sent, { record }) => ({
      status: 'retry',
      reason: `${record.customer}: ${sent.join(', ')}`,
    }),
  })
  expect(asked).toEqual(['2:0', '2:1', '1:0'])
  expect(results).toEqual([
    { status: 'retry', reason: '2: sent 2:0, sent 2:1' },
    { status: 'rejected', reason: 'nobody is named to bill it to: attribute it' },
    { status: 'retry', reason: '0: ' },
    { status: 'rejected', reason: 'bad customer' },
    { status: 'retry', reason: '1: sent 1:0' },
  ])
})
