import { afterEach, expect, test, vi } from 'vitest'
import { startMetered } from './metered.ts'
import { callOptions, countedTokens } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'
import { parts, partSource, StubModel } from './stub-models.ts'

const sdk = sdkMajors[2] as (typeof sdkMajors)[number]
const minutes = (count: number) => void vi.advanceTimersByTime(count * 60_000)

afterEach(() => void vi.useRealTimers())

async function openStream(run: Awaited<ReturnType<typeof startMetered>>) {
  const { stream: source, log } = partSource()
  const model = run.meter(new StubModel(() => ({ stream: source })), 'cus_1')
  const { stream } = await model.doStream(callOptions)
  return { stream, log, reader: stream.getReader() }
}

test('a stream that is kept and not read on counts as left after some minutes', async () => {
  await using run = await startMetered(sdk)
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const { reader, log } = await openStream(run)
  for (let count = 0; count < 4; count++) await reader.read()
  minutes(5)
  expect(run.records).toEqual([])
  minutes(2)
  expect(run.records).toMatchObject([
    { outcome: 'estimated', details: { estimated: ['input', 'output'] } },
  ])
  // Untouched, and recorded once: the caller may come back all the same.
  expect(log).toEqual({ pulls: 4, cancelled: [] })
  expect((await reader.read()).value).toBe(parts[4])
  while (!(await reader.read()).done);
  expect(run.records).toHaveLength(1)
  // Nothing is watched any more.
  expect(vi.getTimerCount()).toBe(0)
})

test('a slow reader and a slow provider are waited for', async () => {
  await using run = await startMetered(sdk)
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const { reader } = await openStream(run)
  for (let count = 0; count < parts.length; count++) {
    minutes(4)
    await reader.read()
  }
  minutes(4)
  expect(await reader.read()).toMatchObject({ done: true })

  const silent = new ReadableStream({ pull: () => new Promise<void>(() => {}) })
  const model = run.meter(new StubModel(() => ({ stream: silent })), 'cus_2')
  const pending = (await model.doStream(callOptions)).stream.getReader()
  void pending.read()
  minutes(60)
  expect(run.records).toMatchObject([
    { customer: 'cus_1', tokens: countedTokens, outcome: 'complete' },
  ])
  await pending.cancel()
})

test('what is open when the process has nothing else to do counts as left', async () => {
  await using run = await startMetered(sdk)
  const { reader } = await openStream(run)
  await reader.read()
  await reader.read()
  process.emit('beforeExit', 0)
  expect(run.records).toMatchObject([{ outcome: 'estimated' }])
})
