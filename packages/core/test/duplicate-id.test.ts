import { join } from 'node:path'
import { expect, test } from 'vitest'
import { deriveRecordId } from '../src/usage/record-id.ts'
import { createMeter, memoryOutbox, type Outbox, type TokenMeterError } from '../src/index.ts'
import { Pipeline } from '../src/meter/pipeline.ts'
import { sqliteOutbox } from '../src/sqlite.ts'
import type { ObservedCall } from '../src/call/observed-call.ts'
import type { UsageReading } from '../src/wire/usage-reading.ts'
import { usage } from './backend.ts'
import { temporaryFolder } from './outbox/temporary-folder.ts'

const file = (durability: 'process' | 'group') => () =>
  sqliteOutbox(join(temporaryFolder(), 'usage.db'), { durability })
const outboxes: [string, () => Outbox][] = [
  ['memory', () => memoryOutbox()],
  ['SQLite', file('process')],
  ['SQLite in groups', file('group')],
]

function start(outbox: Outbox) {
  const errors: TokenMeterError[] = []
  const onError = (error: TokenMeterError) => void errors.push(error)
  const options = { providers: [], outbox, onError }
  return { errors, options }
}

test.each(outboxes)('record() of one id with other usage rejects: %s', async (_, open) => {
  const { errors, options } = start(open())
  await using meter = createMeter(options)
  await meter.record({ ...usage('x1'), attributes: { team: 'a', feature: 'b' } })
  // The same again, whatever the order of its keys; the time is that of the call.
  await meter.record({ ...usage('x1'), attributes: { feature: 'b', team: 'a' } })
  expect(errors).toEqual([])
  const others = [
    { customer: 'cus_2' },
    { model: 'gpt-5.4-mini' },
    { tokens: { input: 11, output: 2 } },
    { details: { images: 1 } },
    { attributes: { team: 'c' } },
    { serviceTier: 'flex' },
    { at: 1 },
  ]
  for (const other of others) {
    const given = { attributes: { team: 'a', feature: 'b' }, ...usage('x1'), ...other }
    await expect(meter.record(given)).rejects.toMatchObject({
      code: 'duplicate-id',
      records: [{ id: 'x1', ...('tokens' in other ? {} : other) }],
      kept: [{ id: 'x1', customer: 'cus_1', attributes: { team: 'a' } }],
    })
  }
  const told = new Set(errors.map(({ code }) => code))
  expect([...told]).toEqual(['duplicate-id'])
  expect(errors.length).toBeGreaterThanOrEqual(others.length)
  expect((await meter.stats()).recorded).toBe(1)
  expect(await meter.outbox.find('x1')).toMatchObject({ customer: 'cus_1', model: 'gpt-5.4' })
})

test('a time that was named is part of what is the same', async () => {
  const { options } = start(memoryOutbox())
  await using meter = createMeter(options)
  await meter.record({ ...usage('x1'), at: 1000 })
  await meter.record({ ...usage('x1'), at: 1000 })
  await meter.record(usage('x1'))
  await expect(meter.record({ ...usage('x1'), at: 2000 })).rejects.toThrow(/x1/)
})

const call = { provider: 'openai', endpoint: 'responses' }

/** A response that can be seen twice, as an observed call hands it over. */
function seen(pipeline: Pipeline, customer: string, model: string, output: number) {
  const observed = {
    call,
    endpoint: { name: 'responses' },
    customer,
    attributes: {},
    requestedModel: model,
    openIds: [],
    tellRecords() {},
  } as unknown as ObservedCall
  const tokens = { input: 10, cachedInput: 0, cachedWrite: 0, output }
  const reading = { model, identity: ['openai', 'resp_1'], problems: [], details: {} }
  return pipeline.recorder.record(observed, [
    {
      reading: reading as unknown as UsageReading,
      tokens,
      outcome: 'complete',
      estimated: [],
      interrupted: false,
    },
  ])
}

test.each(outboxes)(
  'a response seen twice is silent, another under its id told: %s',
  async (_, open) => {
    const { errors, options } = start(open())
    const pipeline = new Pipeline(options)
    await seen(pipeline, 'cus_1', 'gpt-5.4', 5)
    await seen(pipeline, 'cus_2', 'gpt-5.4', 5)
    await pipeline.outbox.position()
    expect(errors).toEqual([])
    await seen(pipeline, 'cus_2', 'gpt-5.4', 6)
    await seen(pipeline, 'cus_2', 'gpt-5.4-mini', 5)
    await pipeline.outbox.position()
    const id = deriveRecordId('openai', 'resp_1', 0)
    expect(errors).toMatchObject([
      { code: 'duplicate-id', records: [{ id, customer: 'cus_2', tokens: { output: 6 } }] },
      { code: 'duplicate-id', records: [{ id, model: 'gpt-5.4-mini' }] },
    ])
    expect(await pipeline.outbox.find(id)).toMatchObject({
      customer: 'cus_1',
      tokens: { output: 5 },
    })
    await pipeline.close()
  },
)
