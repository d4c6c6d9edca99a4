import { describe, expect, test } from 'vitest'
import {
  createMeter,
  FlushError,
  memoryOutbox,
  type MeterOptions,
  type TokenMeterError,
} from '../src/index.ts'
import { Backend, quick, usage } from './backend.ts'

function start(options: Partial<MeterOptions> = {}) {
  const backend = new Backend()
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [backend.sink()],
    delivery: quick,
    onError: (error) => void errors.push(error),
    ...options,
  })
  return { backend, meter, errors }
}

const ids = (count: number) => Array.from({ length: count }, (_, index) => `r${index}`)

describe('delivery', () => {
  test('brings every record to every sink, once, and says so', async () => {
    const [first, second] = [new Backend(), new Backend()]
    const { meter } = start({
      sinks: [first.sink('first'), second.sink('second', { maxBatch: 3 })],
    })
    const delivered: string[] = []
    meter.on('delivered', ({ sink, records }) => void delivered.push(...records.map(() => sink)))
    for (const id of ids(10)) await meter.record(usage(id))
    const stats = await meter.flush()
    expect(first.accepted).toEqual(ids(10))
    expect(second.accepted).toEqual(ids(10))
    expect(Math.max(...second.batches.map(({ entries }) => entries.length))).toBe(3)
    expect(delivered.toSorted()).toEqual([...Array(10).fill('first'), ...Array(10).fill('second')])
    expect(stats.sinks.first).toEqual({
      recorded: 10,
      pending: 0,
      delivered: 10,
      dead: 0,
      unattributed: 0,
      discarded: 0,
      held: 0,
    })
    await meter.close()
  })

  test('delivers without being asked', async () => {
    const { backend, meter } = start()
    const arrived = new Promise((resolve) => meter.on('delivered', resolve))
    await meter.record(usage('r0'))
    await arrived
    expect(backend.accepted).toEqual(['r0'])
    await meter.close()
  })

  test('a sink that is down loses nothing and gets everything when it is back', async () => {
    const { backend, meter } = start()
    backend.down = new Error('connection refused')
    for (const id of ids(5)) await meter.record(usage(id))
    const retrying: string[] = []
    meter.on('retrying', ({ reason }) => void retrying.push(reason))
    await expect(meter.flush({ timeoutMs: 100 })).rejects.toMatchObject({
      code: 'flush',
      pending: { backend: 5 },
    })
    expect(retrying[0]).toBe('connection refused')
    backend.down = undefined
    await meter.flush()
    expect(backend.accepted.toSorted()).toEqual(ids(5))
    await meter.close()
  })

  test('flush says why it gave up, and where the records are', async () => {
    const { backend, meter } = start()
    backend.down = new Error('connection refused')
    await meter.record(usage('r0'))
    const failure = await meter.flush({ timeoutMs: 50 }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(FlushError)
    expect(String(failure)).toMatch(/1 for "backend".*connection refused/)
    await expect(meter.close({ timeoutMs: 20 })).rejects.toBeInstanceOf(FlushError)
  })

  test('a retry waits as long as the sink asked', async () => {
    const { backend, meter } = start()
    let answers = 0
    const times: number[] = []
    backend.answer = () => {
      times.push(Date.now())
      return answers++ === 0 ? { status: 'retry', reason: 'busy', afterMs: 150 } : undefined
    }
    await meter.record(usage('r0'))
    await meter.flush()
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(145)
    await meter.close()
  })

  test('one poison record in a hundred delays no other, and arrives once it is cured', async () => {
    const { backend, meter, errors } = start()
    const deadLetters: string[] = []
    meter.on('dead-letter', ({ record }) => void deadLetters.push(record.id))
    backend.answer = (id) =>
      id === 'r50' ? { status: 'rejected', reason: 'bad value' } : undefined
    for (const id of ids(100)) await meter.record(usage(id))
    await meter.flush()
    expect(backend.accepted).toHaveLength(99)
    expect(deadLetters).toEqual(['r50'])
    expect(errors).toMatchObject([{ code: 'delivery' }])
    expect(errors[0]?.message).toMatch(/r50.*requeue\("backend"\).*bad value/)
    expect(await meter.outbox.deadLetters('backend')).toMatchObject([
      { reason: 'bad value', record: { id: 'r50' } },
    ])

    backend.answer = () => undefined
    await meter.outbox.requeue('backend')
    await meter.flush()
    expect(backend.accepted.filter((id) => id === 'r50')).toHaveLength(1)
    await meter.close()
  })

  test('a record that must be retried for ever holds up no other', async () => {
    const stubborn = new Backend()
    stubborn.answer = (id) => (id === 'r0' ? { status: 'retry', reason: 'later' } : undefined)
    const run = start({ sinks: [stubborn.sink('stubborn', { maxBatch: 1 })] })
    for (const id of ids(20)) await run.meter.record(usage(id))
    await expect(run.meter.flush({ timeoutMs: 1500 })).rejects.toMatchObject({
      pending: { stubborn: 1 },
    })
    expect(stubborn.accepted.toSorted()).toEqual(ids(20).slice(1).toSorted())
    await run.meter.close({ timeoutMs: 10 }).catch(() => {})
  })

  test('a batch that is retried has the same id, less what was accepted', async () => {
    const { backend, meter } = start({ delivery: { ...quick, lingerMs: 30 } })
    let rounds = 0
    backend.answer = (id) =>
      id === 'r1' && rounds++ < 3 ? { status: 'retry', reason: 'x' } : undefined
    for (const id of ids(3)) await meter.record(usage(id))
    await meter.flush()
    expect(new Set(backend.batches.map(({ id }) => id)).size).toBe(1)
    expect(backend.batches.map(({ entries }) => entries.length)[0]).toBe(3)
    expect(backend.batches.at(-1)?.entries.map(({ record }) => record.id)).toEqual(['r1'])
    expect(backend.accepted.toSorted()).toEqual(ids(3))
    await meter.close()
  })

  test('events of a record that arrived are skipped when the rest is retried', async () => {
    const { backend, meter } = start()
    let answers = 0
    backend.answer = () =>
      answers++ === 0
        ? { status: 'retry', reason: 'output failed', deliveredEventIds: ['r0:input'] }
        : undefined
    await meter.record(usage('r0'))
    await meter.flush()
    expect(backend.batches[0]?.entries[0]?.deliveredEventIds).toEqual([])
    expect(backend.batches.at(-1)?.entries[0]?.deliveredEventIds).toEqual(['r0:input'])
    await meter.close()
  })

  test('a sink that answers nonsense is retried, and said to be at fault', async () => {
    let sends = 0
    const sink = {
      name: 'odd',
      send: async () => (sends++ < 4 ? [] : [{ status: 'accepted' as const }]),
    }
    const { meter } = start({ sinks: [sink] })
    const reasons: string[] = []
    meter.on('retrying', ({ reason }) => void reasons.push(reason))
    await meter.record(usage('r0'))
    await meter.flush()
    expect(reasons[0]).toMatch(/"odd" answered 0 results for 1 records/)
    await meter.close()
  })

  test('a send that outlives its time is aborted and retried', async () => {
    let sends = 0
    const sink = {
      name: 'slow',
      send: (_: unknown, signal: AbortSignal) =>
        sends++ === 0
          ? new Promise<never>((_resolve, reject) => {
              signal.addEventListener('abort', () => reject(new Error('aborted')))
            })
          : Promise.resolve([{ status: 'accepted' as const }]),
    }
    const { meter } = start({ sinks: [sink], delivery: { ...quick, sendTimeoutMs: 50 } })
    await meter.record(usage('r0'))
    await meter.flush()
    expect(sends).toBe(2)
    await meter.close()
  })

  test('any async function is a sink', async () => {
    const seen: string[] = []
    async function warehouse(records: readonly { id: string }[]) {
      seen.push(...records.map(({ id }) => id))
    }
    const { meter } = start({ sinks: [warehouse] })
    await meter.record(usage('r0'))
    expect((await meter.flush()).sinks.warehouse?.delivered).toBe(1)
    expect(seen).toEqual(['r0'])
    await meter.close()
  })
})

describe('flush and close', () => {
  test('flushes at the same time share one promise, later ones cover later records', async () => {
    const { meter } = start()
    await meter.record(usage('r0'))
    expect(meter.flush()).toBe(meter.flush())
    const first = meter.flush()
    await meter.record(usage('r1'))
    const second = meter.flush()
    expect(second).not.toBe(first)
    expect((await second).sinks.backend?.pending).toBe(0)
    await first
    await meter.close()
  })

  test('a flush under load waits only for what came before it', async () => {
    const { backend, meter } = start()
    let isOver = false
    const load = (async () => {
      for (let index = 0; !isOver; index++) {
        await meter.record(usage(`load${index}`))
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    })()
    await meter.record(usage('before'))
    await meter.flush()
    isOver = true
    await load
    expect(backend.accepted).toContain('before')
    await meter.close()
  })

  test('close delivers what is left, once, and later usage is reported with the record in it', async () => {
    const { backend, meter, errors } = start()
    await meter.record(usage('r0'))
    await Promise.all([meter.close(), meter.close()])
    expect(backend.accepted).toEqual(['r0'])
    await expect(meter.record(usage('late'))).rejects.toMatchObject({ code: 'outbox' })
    expect(errors).toMatchObject([{ code: 'outbox', records: [{ id: 'late' }] }])
  })

  test('close does not wait for a sink that ignores its signal', async () => {
    const deaf = { name: 'deaf', send: () => new Promise<never>(() => {}) }
    const { meter } = start({ sinks: [deaf] })
    await meter.record(usage('r0'))
    await expect(meter.close({ timeoutMs: 20 })).rejects.toMatchObject({ pending: { deaf: 1 } })
  })

  test('await using closes', async () => {
    const backend = new Backend()
    {
      await using meter = createMeter({
        providers: [],
        outbox: memoryOutbox(),
        sinks: [backend.sink()],
        delivery: quick,
      })
      await meter.record(usage('r0'))
    }
    expect(backend.accepted).toEqual(['r0'])
  })

  test('without sinks everything is kept and flush has nothing to wait for', async () => {
    const { meter } = start({ sinks: [] })
    await meter.record(usage('r0'))
    expect(await meter.flush()).toEqual({ recorded: 1, sinks: {}, errors: 0 })
    await meter.close()
  })
})

describe('what an application gets wrong', () => {
  test.each([
    ['providers', { providers: undefined }, /providers/],
    ['a sink', { sinks: [{}] }, /sinks\[0\] is no sink/],
    ['sinks', { sinks: 'stripe' }, /sinks must be an array/],
    [
      'two sinks of one name',
      { sinks: [new Backend().sink(), new Backend().sink()] },
      /two sinks are named "backend"/,
    ],
    ['an empty name', { sinks: [{ ...new Backend().sink(), name: '' }] }, /sinks\[0\] is no sink/],
    ['maxBatch 0', { sinks: [new Backend().sink('a', { maxBatch: 0 })] }, /"a".*maxBatch.*got 0/],
    ['maxBatch', { sinks: [new Backend().sink('a', { maxBatch: Infinity })] }, /maxBatch/],
    [
      'maxConcurrentBatches',
      { sinks: [new Backend().sink('a', { maxConcurrentBatches: 0 })] },
      /maxConcurrentBatches/,
    ],
    ['lingerMs', { sinks: [new Backend().sink('a', { lingerMs: Number.NaN })] }, /lingerMs/],
    ['an unnamed function', { sinks: [(() => async () => {})()] }, /needs a name/],
    ['attributes', { attributes: { customer: 'x' } }, /"customer" is a billing field/],
    ['onMissingCustomer', { onMissingCustomer: 'explode' }, /onMissingCustomer/],
    ['onError', { onError: 'log' }, /onError/],
    ['a time', { delivery: { lingerMs: -1 } }, /delivery.lingerMs/],
    ['a lease', { delivery: { leaseMs: 10 } }, /must be below/],
    ['retention', { retentionMs: Number.NaN }, /retentionMs/],
  ])('%s: refused at construction', (_, options, message) => {
    const make = () => createMeter({ providers: [], outbox: memoryOutbox(), ...options } as never)
    expect(make).toThrow(message)
    expect(make).toThrow(expect.objectContaining({ code: 'config' }))
  })

  test.each([
    ['customer', { customer: '' }],
    ['model', { model: undefined }],
    ['a count', { tokens: { input: -1 } }],
    ['a fraction', { tokens: { output: 1.5 } }],
    ['NaN', { tokens: { output: Number.NaN } }],
    ['time', { at: Number.NaN }],
    ['an attribute', { attributes: { model: 'x' } }],
  ])('record() with a wrong %s is refused', async (_, wrong) => {
    const { meter } = start()
    await expect(meter.record({ ...usage('r0'), ...wrong } as never)).rejects.toThrow()
    expect((await meter.stats()).recorded).toBe(0)
    await meter.close()
  })

  test('a listener or an error handler that throws hurts nobody', async () => {
    const { backend, meter } = start({
      onError: () => {
        throw new Error('handler')
      },
    })
    meter.on('usage', () => {
      throw new Error('listener')
    })
    await meter.record(usage('r0'))
    const stats = await meter.flush()
    expect(backend.accepted).toEqual(['r0'])
    expect(stats.errors).toBe(1)
    await meter.close()
  })

  test('a listener can be taken back', async () => {
    const { meter } = start()
    let events = 0
    const stop = meter.on('usage', () => void events++)
    await meter.record(usage('r0'))
    stop()
    await meter.record(usage('r1'))
    expect(events).toBe(1)
    await meter.close()
  })

  test('withCustomer refuses what is no customer', async () => {
    const { meter } = start()
    expect(() => meter.withCustomer('', () => 1)).toThrow(TypeError)
    expect(meter.withCustomer('cus_1', () => 1)).toBe(1)
    await meter.close()
  })
})
