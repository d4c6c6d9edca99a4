import { createMeter, memoryOutbox } from '@token-meter/core'
import {
  batchOf,
  never,
  recordsOf,
  startFakeMetronome,
  type FakeMetronome,
} from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { metronomeSink, type MetronomeSinkOptions } from '../src/index.ts'

async function start(
  fake: FakeMetronome,
  outbox: ReturnType<typeof memoryOutbox>,
  options: MetronomeSinkOptions,
) {
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [metronomeSink({ bearerToken: fake.bearerToken, baseUrl: fake.url, ...options })],
    delivery: { lingerMs: 1, pollMs: 20, backoff: { baseMs: 5, maxMs: 20 } },
    onError: () => {},
  })
  onTestFinished(() => meter.close({ timeoutMs: 10 }).catch(() => {}))
  return meter
}

/** 250 records of three customers. */
function usage() {
  return recordsOf(250).map((record, index) => ({ ...record, customer: `cus_${index % 3}` }))
}

const wrong: readonly (readonly [string, (fake: FakeMetronome) => MetronomeSinkOptions, RegExp])[] =
  [
    [
      'token',
      () => ({ bearerToken: 'of-yesterday' }),
      /does not know the API key.*set bearerToken/,
    ],
    ['path', ({ url }) => ({ baseUrl: `${url}/api` }), /not at this address \(404\).*set baseUrl/],
  ]

test.each(wrong)(
  'a wrong %s loses nothing, names the fix, and is all right when fixed',
  async (_, options, message) => {
    const fake = await startFakeMetronome()
    onTestFinished(() => fake.close())
    const outbox = memoryOutbox()
    await outbox.append(usage())
    const meter = await start(fake, { ...outbox, close: () => {} }, options(fake))
    await expect(meter.flush({ timeoutMs: 500 })).rejects.toMatchObject({
      message: expect.stringMatching(message),
    })
    await meter.close({ timeoutMs: 10 }).catch(() => {})
    expect(await outbox.stats('metronome')).toMatchObject({ pending: 250, dead: 0 })
    // The answer was clear, so one or two requests for each worker are enough.
    expect(fake.requests.length).toBeLessThan(20)

    const fixed = await start(fake, outbox, {})
    await outbox.expedite('metronome')
    await fixed.flush()
    expect(await outbox.stats('metronome')).toMatchObject({ delivered: 250, pending: 0 })
    expect(fake.events).toHaveLength(250)
  },
)

test('a token without the scope', async () => {
  const fake = await startFakeMetronome({ mayIngest: false })
  onTestFinished(() => fake.close())
  const outbox = memoryOutbox()
  await outbox.append(usage())
  const meter = await start(fake, outbox, {})
  await expect(meter.flush({ timeoutMs: 300 })).rejects.toMatchObject({
    message: expect.stringMatching(/give bearerToken a scope/),
  })
  expect(await outbox.stats('metronome')).toMatchObject({ pending: 250, dead: 0 })
})

test('an unknown customer or event type is kept at Metronome, and billed when it is made there', async () => {
  const fake = await startFakeMetronome({ customers: ['cus_0', 'cus_1'], eventTypes: [] })
  onTestFinished(() => fake.close())
  const outbox = memoryOutbox()
  await outbox.append(usage())
  const meter = await start(fake, outbox, {})
  await meter.flush()
  expect(fake.unmatched).toHaveLength(250)
  fake.addEventType('token-billing')
  expect(fake.unmatched).toHaveLength(83)
  fake.addCustomer('cus_2')
  const total = fake.billed().reduce((sum, { value }) => sum + value, 0)
  expect(total).toBe(250 * 22)
})

test('over the rate of Metronome, nothing is lost', async () => {
  const fake = await startFakeMetronome({ eventsPerSecond: 150 })
  onTestFinished(() => fake.close())
  const outbox = memoryOutbox()
  await outbox.append(usage())
  const meter = await start(fake, outbox, {})
  await meter.flush()
  expect(fake.events).toHaveLength(250)
  expect(fake.requests.some(({ status }) => status === 429)).toBe(true)
})

test('what is beyond its own rate waits, and did not arrive', async () => {
  const fake = await startFakeMetronome()
  onTestFinished(() => fake.close())
  const { bearerToken, url: baseUrl } = fake
  const sink = metronomeSink({ bearerToken, baseUrl, eventsPerSecond: 0.001 })
  const [first] = await sink.send(batchOf(recordsOf(1)), never)
  expect(first).toEqual({ status: 'accepted' })
  const controller = new AbortController()
  const sending = sink.send(batchOf(recordsOf(1)), controller.signal)
  controller.abort(new Error('closing'))
  expect(await sending).toEqual([
    { status: 'retry', reason: 'stopped before it was sent: closing' },
  ])
  expect(fake.requests).toHaveLength(1)
})
