import { exampleRecord } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import type { CompletedReading } from '../src/call/completed-reading.ts'
import type { ObservedCall } from '../src/call/observed-call.ts'
import { type TokenMeterError, memoryOutbox } from '../src/index.ts'
import { UsageRecorder } from '../src/meter/recorder.ts'

const call = {
  call: { provider: 'openai', endpoint: 'embeddings', method: 'POST', body: { model: 'm' } },
  endpoint: { name: 'embeddings' },
  customer: 'cus_1',
  attributes: {},
  requestedModel: 'm',
  openIds: [],
  idOf: () => crypto.randomUUID(),
  tellRecords() {},
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
  const recorder = new UsageRecorder({
    outbox,
    onRecorded: ({ id }) => void kept.push(id),
    onError: (error) => void errors.push(error),
  })
  return { recorder, storing, errors, kept }
}

test('a call waits 5 s at the most for an outbox; its usage is told, and the append goes on', async () => {
  const { recorder, storing, errors, kept } = start()
  const began = performance.now()
  await recorder.record(call, [reading])
  const waited = performance.now() - began
  expect(waited).toBeGreaterThan(4900)
  expect(waited).toBeLessThan(7000)
  expect(kept).toEqual([])
  expect(errors).toMatchObject([{ code: 'outbox', records: [{ customer: 'cus_1', model: 'm' }] }])
  // Told once: the end of the process need not say it again.
  storing.resolve()
  await recorder.appended()
  recorder.reportUnwritten()
  expect(kept).toHaveLength(1)
  expect(errors).toHaveLength(1)
}, 15_000)

test('an append that fails meanwhile is reported with its records', async () => {
  const { recorder, storing, errors } = start()
  const recording = recorder.record(call, [reading])
  storing.reject(new Error('connection lost'))
  await recording
  await recorder.appended()
  expect(errors).toMatchObject([{ code: 'outbox', records: [{ model: 'm' }] }])
})

test('an outbox that can save at the end what it is keeping has nothing to tell', () => {
  const outbox = { ...memoryOutbox(), append: () => new Promise<void>(() => {}) }
  const errors: TokenMeterError[] = []
  for (const saveNow of [() => true, () => false]) {
    const recorder = new UsageRecorder({
      outbox: { ...outbox, saveNow },
      onRecorded: () => {},
      onError: (error) => void errors.push(error),
    })
    void recorder.record(call, [reading])
    recorder.reportUnwritten()
  }
  expect(errors).toMatchObject([{ code: 'outbox', records: [{ model: 'm' }] }])
})

test('a call goes on at once when the outbox is done', async () => {
  const { recorder, storing, kept } = start()
  setTimeout(() => storing.resolve(), 20)
  const began = performance.now()
  await recorder.record(call, [reading])
  expect(performance.now() - began).toBeLessThan(500)
  expect(kept).toHaveLength(1)
})
