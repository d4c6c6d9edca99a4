import { exampleRecord } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import type { ObservedCall } from '../src/call/observed-call.ts'
import type { CompletedReading } from '../src/call/record-sink.ts'
import type { TokenMeterError } from '../src/index.ts'
import { memoryOutbox } from '../src/index.ts'
import { UsageKeeper } from '../src/usage-keeper.ts'

const call = {
  call: { provider: 'openai', endpoint: 'embeddings', method: 'POST', body: { model: 'm' } },
  endpoint: { name: 'embeddings' },
  customer: 'cus_1',
  attributes: {},
  requestedModel: 'm',
} as unknown as ObservedCall
const reading = {
  reading: { problems: [], details: {} },
  tokens: exampleRecord().tokens,
  outcome: 'complete',
  estimated: [],
  interrupted: false,
} as unknown as CompletedReading

function start() {
  const errors: TokenMeterError[] = []
  const kept: string[] = []
  const storing = Promise.withResolvers<void>()
  const outbox = { ...memoryOutbox(), append: () => storing.promise }
  const report = (error: TokenMeterError) => void errors.push(error)
  const keeper = new UsageKeeper(outbox, ({ id }) => void kept.push(id), report)
  return { keeper, storing, errors, kept }
}

test('a call waits a second at the most for an outbox, whose append goes on', async () => {
  const { keeper, storing, errors, kept } = start()
  const began = performance.now()
  await keeper.keep(call, [reading])
  const waited = performance.now() - began
  expect(waited).toBeGreaterThan(900)
  expect(waited).toBeLessThan(1500)
  expect([errors, kept]).toEqual([[], []])
  storing.resolve()
  await keeper.stored()
  expect(kept).toHaveLength(1)
  expect(errors).toEqual([])
})

test('an append that fails in the end is reported with its records', async () => {
  const { keeper, storing, errors } = start()
  await keeper.keep(call, [reading])
  storing.reject(new Error('connection lost'))
  await keeper.stored()
  expect(errors).toMatchObject([{ code: 'outbox', records: [{ model: 'm' }] }])
})

test('a call goes on at once when the outbox is done', async () => {
  const { keeper, storing, kept } = start()
  setTimeout(() => storing.resolve(), 20)
  const began = performance.now()
  await keeper.keep(call, [reading])
  expect(performance.now() - began).toBeLessThan(500)
  expect(kept).toHaveLength(1)
})
