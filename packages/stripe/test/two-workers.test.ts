import { sqliteOutbox } from '@token-meter/core/sqlite'
import { startFakeStripe } from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { billedSums, expectedSums, recordsOf } from './recorded.ts'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { spawnDelivery } from './spawn-delivery.ts'

test.each(['', 'aggregated'])('two processes on one file send nothing twice (%s)', async (sums) => {
  const file = temporaryFile()
  const outbox = sqliteOutbox(file)
  // Each of a customer of its own: two processes must not meet in one lane of Stripe's.
  const records = recordsOf(400, 400)
  await outbox.append(records)
  const stripe = await startFakeStripe({ latencyMs: 3 })
  onTestFinished(() => stripe.close())
  const workers = [spawnDelivery(file, stripe, sums), spawnDelivery(file, stripe, sums)]
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0])
  expect(stripe.requests).toHaveLength(stripe.meterEvents.length)
  const sent = stripe.requests.map(({ rawBody }) => /"identifier":"([^"]*)"/.exec(rawBody)?.[1])
  expect(new Set(sent).size).toBe(sent.length)
  expect(billedSums(stripe)).toEqual(expectedSums(records))
  expect(await outbox.stats('stripe')).toMatchObject({ delivered: 400, pending: 0 })
  await outbox.close()
})
