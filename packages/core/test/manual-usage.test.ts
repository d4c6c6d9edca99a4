import { expect, test } from 'vitest'
import { cost } from '../src/cost.ts'
import {
  createMeter,
  functionSink,
  memoryOutbox,
  OutboxError,
  type TokenMeterError,
  type UsageRecord,
} from '../src/index.ts'
import { usage } from './backend.ts'

const start = (outbox = memoryOutbox()) => {
  const errors: TokenMeterError[] = []
  const onError = (error: TokenMeterError) => void errors.push(error)
  return { meter: createMeter({ providers: [], outbox, onError }), errors }
}

test.each([
  ['an empty id', { id: '' }, TypeError, /id.*80/],
  ['a blank id', { id: ' ' }, TypeError, /id.*80/],
  ['a long id', { id: 'x'.repeat(81) }, TypeError, /id.*80/],
  ['an id that is no text', { id: 7 }, TypeError, /id.*80/],
  ['a null id', { id: null }, TypeError, /id.*80/],
  ['an empty response id', { responseId: '' }, TypeError, /responseId.*256/],
  ['a long request id', { requestId: 'x'.repeat(257) }, TypeError, /requestId.*256/],
  ['no tokens', { tokens: undefined }, TypeError, /tokens.*\{ input/],
  ['tokens that are a number', { tokens: 12 }, TypeError, /tokens.*\{ input/],
  ['a list of tokens', { tokens: [1, 2] }, TypeError, /tokens.*\{ input/],
  ['an empty reason', { unbilled: '' }, TypeError, /unbilled.*code/],
  ['a sentence as a reason', { unbilled: 'it was a trial' }, TypeError, /unbilled.*code/],
  ['a long reason', { unbilled: 'x'.repeat(65) }, TypeError, /unbilled.*64/],
  ['a reason that is no text', { unbilled: true }, TypeError, /unbilled.*code/],
  ['a null reason', { unbilled: null }, TypeError, /unbilled.*code/],
  ['no requests', { requests: 0 }, RangeError, /requests.*from 1 up/],
  ['half a request', { requests: 1.5 }, RangeError, /requests.*from 1 up/],
  ['a wire name', { tokens: { cached_input: 3 } }, TypeError, /cached_input.*cachedInput/],
])('record() refuses %s', async (_, wrong, kind, message) => {
  const { meter } = start()
  const failure = await meter.record({ ...usage('r0'), ...wrong } as never).catch((e: unknown) => e)
  expect(failure).toBeInstanceOf(kind)
  expect(String(failure)).toMatch(message)
  expect((await meter.stats()).recorded).toBe(0)
  await meter.close()
})

test('record() keeps what nobody is billed for, delivered to those who want to know', async () => {
  const seen: UsageRecord[] = []
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [functionSink('warehouse', async (records) => void seen.push(...records))],
    cost: cost({ prices: () => '1' }),
  })
  await meter.record({ ...usage('r0'), unbilled: 'trial' })
  await meter.record(usage('r1'))
  const { sinks } = await meter.flush()
  expect(sinks['warehouse']).toMatchObject({ delivered: 2, dead: 0 })
  expect(seen.map(({ id, unbilled, cost: own }) => [id, unbilled, own?.billed])).toEqual([
    ['r0', 'trial', '0'],
    ['r1', undefined, '1'],
  ])
  expect(seen[0]?.tokens).toEqual(seen[1]?.tokens)
  await meter.close()
})

test("record() keeps the provider's ids, and bounds what is text", async () => {
  const outbox = memoryOutbox()
  const { meter } = start(outbox)
  const text = 'a secret '.repeat(100)
  const given = { model: text, serviceTier: text, raw: { input_tokens: 1, note: text } }
  const ids = { responseId: 'resp_1', requestId: 'req_1' }
  await meter.record({ ...usage('r0'), ...given, ...ids })
  await meter.record(usage('r1'))
  const record = await outbox.find('r0')
  expect(record).toMatchObject({ ...ids, raw: { input_tokens: 1, note: '(900 characters)' } })
  expect([record?.model.length, record?.serviceTier?.length]).toEqual([256, 64])
  expect(Object.keys((await outbox.find('r1')) ?? {})).not.toContain('responseId')
  await meter.close().catch(() => {})
})

test('record() keeps of how many requests usage is the sum', async () => {
  const { meter } = start()
  const kept: unknown[] = []
  meter.on('usage', (record) => void kept.push([record.id, record.requests]))
  await meter.record({ ...usage('one'), requests: 1 })
  await meter.record({ ...usage('many'), requests: 1000 })
  await meter.record({ ...usage('some'), requests: null })
  expect(kept).toEqual([
    ['one', undefined],
    ['many', 1000],
    ['some', null],
  ])
  await meter.close()
})

test('record() says what is wrong with usage that is none', async () => {
  const { meter } = start()
  await expect(meter.record(undefined as never)).rejects.toThrow(/record\(\) expected/)
  await meter.close()
})

test('record() rejects after close, with the record', async () => {
  const { meter, errors } = start()
  await meter.close()
  const failure = await meter.record(usage('late')).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(OutboxError)
  expect(failure).toMatchObject({ records: [{ id: 'late' }] })
  expect(errors).toEqual([failure])
})

test.each([
  ['throws', () => fail()],
  ['rejects', async () => fail()],
])('record() rejects when the outbox %s', async (_, append) => {
  const { meter, errors } = start({ ...memoryOutbox(), append })
  const failure = await meter.record(usage('r0')).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'outbox', records: [{ id: 'r0' }] })
  expect(errors).toEqual([failure])
  await meter.close()
})

function fail(): void {
  throw new Error('disk gone')
}
