import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { zeroConfigMeter } from '../src/adapter.ts'
import {
  createMeter,
  functionSink,
  memoryOutbox,
  type Meter,
  type MeterOptions,
  type Outbox,
  type Sink,
  type TokenMeterError,
} from '../src/index.ts'
import { livemodeOf } from '../src/meter/livemode.ts'
import { sqliteOutbox } from '../src/sqlite.ts'
import { Backend, quick, usage } from './backend.ts'
import { temporaryFolder } from './outbox/temporary-folder.ts'

const warnings: string[] = []
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation((line: string) => void warnings.push(line))
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  warnings.length = 0
})

/** An outbox that stays when its meter closes, as a file does. */
const lasting = (): Outbox => ({ ...memoryOutbox(), durable: true, close: () => {} })

const options = (outbox: Outbox, sinks: Sink[], more: Partial<MeterOptions> = {}) => ({
  providers: [],
  outbox,
  sinks,
  delivery: quick,
  ...more,
})

async function modeOf(sinks: Sink[], more: Partial<MeterOptions> = {}) {
  await using meter = createMeter(options(lasting(), sinks, more))
  await meter.record(usage('r1'))
  return (await meter.outbox.find('r1'))?.livemode
}

const live = () => new Backend().sink('live', { livemode: true })
const sandbox = () => new Backend().sink('sandbox', { livemode: false })
const observer = () => functionSink('observer', async () => {})

test.each<[string, () => Sink[], Partial<MeterOptions>, string | undefined, boolean]>([
  ['no sink: a function that records', () => [], {}, undefined, true],
  ['a live sink', () => [live()], {}, undefined, true],
  ['a sink that does not say', () => [new Backend().sink()], {}, undefined, true],
  ['a sandbox', () => [sandbox()], {}, undefined, false],
  ['a sandbox beside a live sink', () => [sandbox(), live()], {}, undefined, true],
  ['an observer', () => [observer()], {}, undefined, true],
  ['an observer beside a sandbox', () => [observer(), sandbox()], {}, undefined, false],
  ['an option beside a live sink', () => [live()], { livemode: false }, undefined, false],
  ['an option beside a sandbox', () => [sandbox()], { livemode: true }, undefined, true],
  ['the environment', () => [live()], {}, 'test', false],
  ['the environment, live', () => [sandbox()], {}, 'live', true],
  ['an option against the environment', () => [], { livemode: true }, 'test', true],
])('the mode of usage by %s', async (_, sinks, more, mode, expected) => {
  if (mode !== undefined) vi.stubEnv('TOKEN_METER_MODE', mode)
  expect(await modeOf(sinks(), more)).toBe(expected)
})

test('a mode that is none is refused', () => {
  expect(() => createMeter({ providers: [], livemode: 'test' as never })).toThrow(
    /livemode must be/,
  )
  vi.stubEnv('TOKEN_METER_MODE', 'sandbox')
  expect(() => createMeter({ providers: [], outbox: memoryOutbox() })).toThrow(
    /TOKEN_METER_MODE must be "live" or "test", got "sandbox"/,
  )
  const odd = new Backend().sink('odd', { livemode: 'no' as never })
  expect(() => createMeter(options(memoryOutbox(), [odd]))).toThrow(
    /livemode must be true or false/,
  )
})

test.each(['in memory', 'in a file'])(
  'usage of a test key does not go out under a live one: %s',
  async (where) => {
    const file = join(temporaryFolder(), 'usage.db')
    const shared = lasting()
    const outbox = () => (where === 'in memory' ? shared : sqliteOutbox(file))
    const backend = new Backend()
    backend.down = new Error('away')
    const before = createMeter(options(outbox(), [backend.sink('stripe', { livemode: false })]))
    for (let index = 0; index < 12; index++) await before.record(usage(`t${index}`))
    await expect(before.flush({ timeoutMs: 200 })).rejects.toThrow(/12 for "stripe"/)
    // Three more arrive in no batch.
    for (let index = 12; index < 15; index++) await before.record(usage(`t${index}`))
    await before.close({ timeoutMs: 10 }).catch(() => {})
    backend.down = undefined
    const errors: TokenMeterError[] = []
    const onError = (error: TokenMeterError) => void errors.push(error)
    const stripe = backend.sink('stripe', { livemode: true })
    await using meter = createMeter(options(outbox(), [stripe], { onError }))
    await meter.record(usage('l1'))
    const { sinks } = await meter.flush()
    expect(backend.accepted).toEqual(['l1'])
    expect(sinks['stripe']).toMatchObject({ recorded: 16, delivered: 1, held: 15, pending: 0 })
    await meter.flush()
    expect(errors).toMatchObject([{ code: 'held', sink: 'stripe', held: 15, reason: 'test-usage' }])
    expect(errors[0]?.message).toMatch(/15 record.*outbox\.release\("stripe"\).*drop\("stripe"\)/s)
    expect(await meter.outbox.release('stripe', ['t3'])).toBe(1)
    expect(await meter.outbox.drop('stripe')).toBe(14)
    await meter.flush()
    expect(backend.accepted).toEqual(['l1', 't3'])
  },
)

test('it is said once on the console, with how many and what to do', async () => {
  const outbox = lasting()
  const stripe = new Backend().sink('stripe')
  const before = createMeter(options(outbox, [], { livemode: false }))
  await before.record(usage('t1'))
  await before.close()
  await using meter = createMeter(options(outbox, [stripe]))
  await meter.flush()
  await meter.flush()
  const held = warnings.filter((line) => line.includes('held'))
  expect(held).toHaveLength(1)
  expect(held[0]).toMatch(/1 record\(s\) of test usage.*"stripe".*release.*drop/s)
})

test('live usage goes to a sandbox beside, and test usage to observers', async () => {
  const outbox = lasting()
  const [beside, seen] = [new Backend(), [] as string[]]
  const watch = functionSink('watch', async (records) => {
    for (const { id, livemode } of records) seen.push(`${id} ${livemode}`)
  })
  const sinks = [beside.sink('sandbox', { livemode: false }), watch]
  await using meter = createMeter(options(outbox, [live(), ...sinks]))
  await meter.record(usage('l1'))
  await meter.record({ ...usage('t1'), livemode: false })
  const stats = await meter.flush()
  expect(beside.accepted).toEqual(['l1', 't1'])
  expect(seen).toEqual(['l1 true', 't1 false'])
  expect(stats.sinks).toMatchObject({ live: { delivered: 1, held: 1 }, sandbox: { delivered: 2 } })
})

const provider = {
  name: 'none',
  clientDescription: 'none',
  recognises: (client: object): client is object => client === undefined,
  observe: <Client extends object>(client: Client) => client,
}

/** Runs with a meter from an environment without any key, on a file. */
async function fromEnvironment(file: string, work: (meter: Meter) => Promise<void>) {
  vi.stubEnv('TOKEN_METER_OUTBOX', file)
  const meter = zeroConfigMeter(provider) as Meter
  await work(meter)
  await meter.close()
}

test('usage of a meter from the environment without a key is held from a live sink', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  await fromEnvironment(file, (meter) => meter.record(usage('k1')))
  const backend = new Backend()
  await using meter = createMeter(options(sqliteOutbox(file), [backend.sink('stripe')]))
  const { sinks } = await meter.flush()
  expect(sinks['stripe']).toMatchObject({ recorded: 1, held: 1 })
  // From now on the outbox knows a live sink: who records without a key leaves it to that one.
  await fromEnvironment(file, (keyless) => keyless.record(usage('k2')))
  await meter.flush()
  expect(backend.accepted).toEqual(['k2'])
})

test('it goes to a sandbox, and is live where the environment says so', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  await fromEnvironment(file, (meter) => meter.record(usage('k1')))
  vi.stubEnv('TOKEN_METER_MODE', 'live')
  await fromEnvironment(file, (meter) => meter.record(usage('k2')))
  vi.stubEnv('TOKEN_METER_MODE', 'wrong')
  await fromEnvironment(file, (meter) => meter.record(usage('k3')))
  expect(warnings.join()).toMatch(/TOKEN_METER_MODE must be "live" or "test", got "wrong".*not set/)
  vi.unstubAllEnvs()
  const [real, beside] = [new Backend(), new Backend()]
  const sinks = [real.sink('stripe'), beside.sink('sandbox', { livemode: false })]
  await using meter = createMeter(options(sqliteOutbox(file), sinks))
  await meter.flush()
  expect(real.accepted).toEqual(['k2'])
  expect(beside.accepted).toEqual(['k1', 'k2', 'k3'])
})

test('a meter without a key that runs on learns of the worker that sends', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  await fromEnvironment(file, async (keyless) => {
    await keyless.record(usage('k1'))
    await using worker = createMeter(options(sqliteOutbox(file), [new Backend().sink('stripe')]))
    await worker.flush()
    await expect
      .poll(
        async () => {
          const id = crypto.randomUUID()
          await keyless.record(usage(id))
          return (await keyless.outbox.find(id))?.livemode
        },
        { timeout: 10_000 },
      )
      .toBe(true)
  })
})

test('an outbox that does not say which sinks it knows holds a record up for a second at most', async () => {
  let asked = 0
  const outbox = { ...memoryOutbox(), sinks: () => (asked++, new Promise<never>(() => {})) }
  const livemode = livemodeOf(undefined, [], outbox, true)
  const began = performance.now()
  expect(await livemode()).toBe(false)
  expect(performance.now() - began).toBeLessThan(3000)
  // From then on none is, while it is asked again.
  expect(livemode()).toBe(false)
  expect(asked).toBeGreaterThan(0)
})
