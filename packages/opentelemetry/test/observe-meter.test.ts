import { metrics } from '@opentelemetry/api'
import { createMeter, memoryOutbox, type Outbox, type Sink } from '@token-meter/core'
import { type WatchedMeter, type watchMeter, zeroConfigMeter } from '@token-meter/core/adapter'
import { exampleRecord } from '@token-meter/testkit'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { quick } from '../../openai/test/billing-run.ts'
import { openaiProvider } from '@token-meter/openai'
import { chatCompletion, chatRequest } from '../../openai/test/scripts.ts'
import { observeMeter } from '../src/index.ts'
import { CollectedMetrics } from './collected-metrics.ts'
import { startMeteredOpenAI } from './metered-openai.ts'

const gauge = (name: string) => `token_meter.outbox.${name}`
const stripe = { 'token_meter.sink': 'stripe' }
const usage = { provider: 'openai', model: 'm', customer: 'cus_1', tokens: { input: 5 } }
const deaf: Sink = {
  name: 'deaf',
  send: async ({ entries }) =>
    entries.map(() => ({ status: 'retry', reason: 'busy', afterMs: 60_000 })),
}

const eager: Sink = {
  name: 'eager',
  send: async ({ entries }) => entries.map(() => ({ status: 'accepted' })),
}

describe('of a meter', () => {
  test('what was delivered, retried and failed is what Stripe itself saw', async () => {
    await using run = await startMeteredOpenAI()
    const stop = observeMeter(run.meter, { meterProvider: run.collected.provider })
    // A refusal for good, of whatever this customer uses; and two waits, of one event each.
    const refusal = { status: 400, body: { error: { code: 'no_meter', message: 'no meter' } } }
    run.stripe.failWith(refusal, { times: Infinity, matching: 'cus_poison' })
    const busy = { status: 429, headers: { 'retry-after': '1' } }
    run.stripe.failWith(busy, { times: 2, matching: 'cus_busy' })
    for (const customer of ['cus_1', 'cus_2', 'cus_poison', 'cus_1', 'cus_poison']) {
      run.provider.serve(chatCompletion)
      await run.client(customer).chat.completions.create(chatRequest)
    }
    await run.meter.record({ ...usage, customer: 'cus_busy' })
    await run.meter.flush()

    const { collected } = run
    const billed = new Set(
      run.stripe.meterEvents.map(({ identifier }) => identifier?.split(':')[0]),
    )
    const answers = (status: number) =>
      run.stripe.requests.filter((request) => request.status === status)
    expect(billed.size).toBe(4)
    expect(answers(429)).toHaveLength(2)
    expect(await collected.sum('stripe_meter_delivered', stripe)).toBe(billed.size)
    expect(await collected.sum('stripe_meter_retried', stripe)).toBe(answers(429).length)
    expect(await collected.sum('stripe_meter_failed', stripe)).toBe(2)
    expect((await run.meter.outbox.deadLetters('stripe')).length).toBe(2)
    expect(answers(400).length).toBeGreaterThanOrEqual(2)
    expect(await collected.sum('opentelemetry_meter_delivered')).toBe(6)
    expect(await collected.sum('opentelemetry_meter_failed')).toBe(0)
    expect(await collected.sum(gauge('dead_letters'), stripe)).toBe(2)
    expect(await collected.sum(gauge('pending'), stripe)).toBe(0)
    expect(await collected.sum(gauge('oldest_pending_age'), stripe)).toBe(0)
    expect(await collected.sum('token_meter.errors', { 'error.type': 'delivery' })).toBe(2)

    run.stripe.recover()
    await run.meter.outbox.requeue('stripe')
    await run.meter.flush()
    expect(await collected.sum('stripe_meter_delivered', stripe)).toBe(6)
    expect(await collected.sum('stripe_meter_failed', stripe)).toBe(2)
    expect(await collected.sum(gauge('dead_letters'), stripe)).toBe(0)
    stop()
  })

  test('the counters begin with 0, so that a first failure is an increase', async () => {
    await using run = await startMeteredOpenAI()
    observeMeter(run.meter, { meterProvider: run.collected.provider })
    await run.collected.collect()
    for (const outcome of ['delivered', 'retried', 'failed']) {
      expect(await run.collected.sum(`stripe_meter_${outcome}`, stripe)).toBe(0)
    }
  })

  test('what waits, what nobody pays for, and since when', async () => {
    await using collected = new CollectedMetrics()
    const outbox = memoryOutbox()
    const now = Date.now()
    outbox.append([
      exampleRecord({ at: now - 90_000 }),
      exampleRecord({ at: now - 30_000 }),
      exampleRecord({ at: now - 600_000, customer: null }),
      exampleRecord({ at: now - 900_000, livemode: false }),
    ])
    const onError = () => {}
    const meter = createMeter({ providers: [], outbox, sinks: [deaf], delivery: quick, onError })
    observeMeter(meter, { meterProvider: collected.provider })
    await expect.poll(() => collected.sum(gauge('held'))).toBe(1)
    expect(await collected.sum(gauge('pending'))).toBe(2)
    expect(await collected.sum(gauge('unattributed'))).toBe(1)
    expect(await collected.sum(gauge('up'))).toBe(1)
    const age = (await collected.sum(gauge('oldest_pending_age'))) ?? 0
    expect(age).toBeGreaterThanOrEqual(90)
    expect(age).toBeLessThan(600)
    await meter.close({ timeoutMs: 0 }).catch(() => {})
  })

  test('each record that is put back counts, each time', async () => {
    await using collected = new CollectedMetrics()
    const outbox = memoryOutbox()
    outbox.append([exampleRecord(), exampleRecord(), exampleRecord()])
    const onError = () => {}
    const meter = createMeter({ providers: [], outbox, sinks: [deaf], delivery: quick, onError })
    observeMeter(meter, { meterProvider: collected.provider })
    await expect.poll(() => collected.sum('deaf_meter_retried')).toBe(3)
    await meter.flush({ timeoutMs: 20 }).catch(() => {})
    await meter.close({ timeoutMs: 0 }).catch(() => {})
  })

  test('a name of a sink that no metric could have', async () => {
    await using collected = new CollectedMetrics()
    const sink = { ...eager, name: '2nd Stripe (eu)' }
    await using meter = createMeter({ providers: [], outbox: memoryOutbox(), sinks: [sink] })
    observeMeter(meter, { meterProvider: collected.provider })
    await meter.record(usage)
    await meter.flush()
    const own = { 'token_meter.sink': '2nd Stripe (eu)' }
    expect(await collected.sum('sink_2nd_Stripe__eu__meter_delivered', own)).toBe(1)
  })

  test('stopped, it counts nothing more, and asks the outbox nothing', async () => {
    await using run = await startMeteredOpenAI()
    const stop = observeMeter(run.meter, { meterProvider: run.collected.provider })
    await run.meter.record(usage)
    await run.meter.flush()
    stop()
    stop()
    const asked = vi.spyOn(run.meter.outbox, 'stats')
    await run.meter.record(usage)
    await run.meter.flush()
    asked.mockClear()
    expect(await run.collected.sum('stripe_meter_delivered')).toBe(1)
    expect(asked).not.toHaveBeenCalled()
  })

  test('after close() it shows the last counts', async () => {
    await using run = await startMeteredOpenAI()
    observeMeter(run.meter, { meterProvider: run.collected.provider })
    await run.meter.record(usage)
    await run.meter.close()
    expect(await run.collected.sum('stripe_meter_delivered')).toBe(1)
    expect(await run.collected.sum(gauge('pending'), stripe)).toBe(0)
  })
})

describe('what goes wrong stays here', () => {
  const withStats = (stats: Outbox['stats']): Outbox => ({ ...memoryOutbox(), stats })

  test('an outbox that fails: it is not up, and nothing else is told of it', async () => {
    await using collected = new CollectedMetrics()
    let isAway = true
    const { stats } = memoryOutbox()
    const outbox = withStats((sink) => {
      if (isAway) throw new Error('the database is away')
      return stats(sink)
    })
    const meter = createMeter({ providers: [], outbox, sinks: [deaf] })
    observeMeter(meter, { meterProvider: collected.provider })
    expect(await collected.sum(gauge('up'))).toBe(0)
    expect(await collected.names()).not.toContain(gauge('pending'))
    isAway = false
    expect(await collected.sum(gauge('up'))).toBe(1)
    expect(await collected.sum(gauge('pending'))).toBe(0)
  })

  test('a provider whose instruments throw does not reach the meter', async () => {
    const errors: unknown[] = []
    const broken = {
      getMeter: () => {
        throw new Error('broken')
      },
    }
    const meter = createMeter({
      providers: [],
      outbox: memoryOutbox(),
      sinks: [deaf],
      onError: (error) => void errors.push(error),
    })
    const stop = observeMeter(meter, { meterProvider: broken })
    await meter.record(usage)
    stop()
    expect(errors).toEqual([])
    await expect(meter.close({ timeoutMs: 0 })).rejects.toMatchObject({ code: 'flush' })
  })

  test.each([
    ['meter', [{}], /expected a meter/],
    ['meter', [undefined], /expected a meter/],
    ['meterProvider', [() => {}, { meterProvider: 1 }], /meterProvider must be a MeterProvider/],
  ])('a wrong %s is told at once', (_, given, message) => {
    expect(() => Reflect.apply(observeMeter, undefined, given)).toThrow(message)
  })
})

describe('without an SDK', () => {
  afterEach(() => metrics.disable())

  test('nothing happens; one that is registered later is found at the next event', async () => {
    await using run = await startMeteredOpenAI()
    const stop = observeMeter(run.meter)
    await run.meter.record(usage)
    await run.meter.flush()
    metrics.setGlobalMeterProvider(run.collected.provider)
    await run.meter.record(usage)
    await run.meter.flush()
    expect(await run.collected.sum('stripe_meter_delivered')).toBe(1)
    expect(await run.collected.sum(gauge('pending'), stripe)).toBe(0)
    stop()
  })

  test('one that takes the place of another has the gauges for itself', async () => {
    await using run = await startMeteredOpenAI()
    await using second = new CollectedMetrics()
    metrics.setGlobalMeterProvider(run.collected.provider)
    const stop = observeMeter(run.meter)
    metrics.disable()
    metrics.setGlobalMeterProvider(second.provider)
    await run.meter.record(usage)
    await run.meter.flush()
    const asked = vi.spyOn(run.meter.outbox, 'stats')
    await run.collected.collect()
    expect(asked).not.toHaveBeenCalled()
    expect(await second.sum('stripe_meter_delivered')).toBe(1)
    expect(await second.sum(gauge('up'))).toBe(1)
    stop()
  })
})

describe('of a zero-config meter', () => {
  const pipeline = () => (globalThis as Record<symbol, unknown>)[Symbol.for('token-meter.pipeline')]
  const meter = zeroConfigMeter(openaiProvider)
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })

  test('it is not started by being looked at, and observed from its first use on', async () => {
    await using run = await startMeteredOpenAI()
    vi.stubEnv('TOKEN_METER_OUTBOX', 'memory:')
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { collected } = run
    const stop = observeMeter(meter, { meterProvider: collected.provider })
    expect(await collected.names()).toEqual([])
    expect(pipeline()).toBeUndefined()
    await meter.record(usage)
    expect(pipeline()).toBeDefined()
    const stats = vi.spyOn(meter.outbox, 'recorded')
    await collected.collect()
    expect(stats).toHaveBeenCalled()
    await meter.close({ timeoutMs: 0 }).catch(() => {})
    await collected.collect()
    expect(pipeline()).toBeUndefined()
    await meter.record(usage)
    const again = vi.spyOn(meter.outbox, 'recorded')
    await collected.collect()
    expect(again).toHaveBeenCalledTimes(1)
    stop()
    await collected.collect()
    expect(again).toHaveBeenCalledTimes(1)
    await meter.close({ timeoutMs: 0 }).catch(() => {})
  })

  test('one that closes while the next has begun is still listened to; older ones are not', async () => {
    await using collected = new CollectedMetrics()
    let begin: Parameters<typeof watchMeter>[1] = () => {}
    const unstarted = Object.assign(() => {}, {
      [Symbol.for('token-meter.watch')]: (watcher: typeof begin) => {
        begin = watcher
        return () => {}
      },
    })
    const stop = observeMeter(unstarted as unknown as WatchedMeter, {
      meterProvider: collected.provider,
    })
    const meters = [1, 2, 3].map(() =>
      createMeter({ providers: [], outbox: memoryOutbox(), sinks: [eager] }),
    )
    for (const running of meters) begin(running)
    for (const running of meters) {
      await running.record(usage)
      await running.flush()
    }
    expect(await collected.sum('eager_meter_delivered')).toBe(2)
    stop()
    for (const running of meters) {
      await running.record(usage)
      await running.close()
    }
    expect(await collected.sum('eager_meter_delivered')).toBe(2)
  })
})
