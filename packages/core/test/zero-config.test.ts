import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchMeter, zeroConfigMeter } from '../src/adapter.ts'
import { usage } from './backend.ts'

const provider = {
  name: 'none',
  clientDescription: 'none',
  recognises: (client: object): client is object => client === undefined,
  observe: <Client extends object>(client: Client) => client,
}
const meter = zeroConfigMeter(provider)
const pipeline = () => (globalThis as Record<symbol, unknown>)[Symbol.for('token-meter.pipeline')]

beforeEach(() => {
  vi.stubEnv('TOKEN_METER_OUTBOX', 'memory:')
  vi.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

test('looking at it, awaiting it and printing it make no pipeline', async () => {
  vi.stubEnv('TOKEN_METER_OUTBOX', '/dev/null/no/folder')
  expect(await meter).toBe(meter)
  expect((meter as unknown as { then: unknown }).then).toBeUndefined()
  expect((meter as unknown as { toJSON: unknown }).toJSON).toBeUndefined()
  expect(String(meter)).toMatch(/=>|function/)
  expect(pipeline()).toBeUndefined()
})

test('it has what a meter has', () => {
  for (const name of [
    'record',
    'flush',
    'close',
    'withCustomer',
    'on',
    'stats',
    'correct',
    'outbox',
  ]) {
    expect(name in meter).toBe(true)
  }
  expect(Symbol.asyncDispose in meter).toBe(true)
  expect('then' in meter).toBe(false)
  expect(pipeline()).toBeUndefined()
})

test('its first use makes the pipeline, and close lets the next use make another', async () => {
  await meter.record(usage('r0'))
  const first = pipeline()
  expect((await meter.flush()).recorded).toBe(1)
  await expect(meter.close({ timeoutMs: Number.NaN })).rejects.toMatchObject({ code: 'config' })
  expect(pipeline()).toBe(first)
  await meter.close()
  expect(pipeline()).toBeUndefined()
  expect((await meter.stats()).recorded).toBe(0)
  await meter.close()
})

test('watching it starts nothing, and tells of each start', async () => {
  const seen: unknown[] = []
  const stop = watchMeter(meter, (running) => void seen.push(running))
  expect(pipeline()).toBeUndefined()
  expect(seen).toEqual([])
  await meter.record(usage('r1'))
  expect(seen).toEqual([pipeline()])
  const late: unknown[] = []
  watchMeter(meter, (running) => void late.push(running))()
  expect(late).toEqual([pipeline()])
  await meter.close()
  await meter.stats()
  expect(seen).toHaveLength(2)
  expect(seen[1]).toBe(pipeline())
  stop()
  await meter.close()
  await meter.stats()
  expect(seen).toHaveLength(2)
  expect(late).toHaveLength(1)
  await meter.close()
})
