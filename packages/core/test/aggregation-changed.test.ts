import { expect, test, vi } from 'vitest'
import { aggregated, createMeter, memoryOutbox, toMeterEvents } from '../src/index.ts'
import type { Outbox, Sink, SinkResult } from '../src/index.ts'
import { quick } from './backend.ts'

/** A backend that tells duplicates by id, and whose answers are lost while it is away. */
class Backend {
  readonly events = new Map<string, number>()
  losesAnswers = true

  readonly sink: Sink = {
    name: 'backend',
    send: async ({ entries }) =>
      entries.map(({ record }): SinkResult => {
        for (const { id, value } of toMeterEvents(record)) {
          expect(this.events.get(id) ?? value).toBe(value)
          this.events.set(id, value)
        }
        if (!this.losesAnswers) return { status: 'accepted' }
        return { status: 'retry', reason: 'no answer', uncertain: true }
      }),
  }

  billed(): number {
    return [...this.events.values()].reduce((sum, value) => sum + value, 0)
  }
}

async function deliverWith(outbox: Outbox, sink: Sink, isLost: boolean): Promise<void> {
  const kept = { ...outbox, close: () => {} }
  const meter = createMeter({ providers: [], outbox: kept, sinks: [sink], delivery: quick })
  if (isLost) await expect(meter.flush({ timeoutMs: 150 })).rejects.toThrow('records left')
  else await meter.flush({ timeoutMs: 5000 })
  await meter.close({ timeoutMs: 50 }).catch(() => {})
}

const setUps: readonly [string, (sink: Sink) => Sink][] = [
  ['no sums', (sink) => sink],
  ['sums of a second', (sink) => aggregated(sink, { windowMs: 1000, lingerMs: 0 })],
  ['sums of a minute', (sink) => aggregated(sink, { windowMs: 60_000, lingerMs: 0 })],
]
const changes = setUps.flatMap(([before, first]) =>
  setUps.map(([after, second]) => [before, after, first, second] as const),
)

test.each(changes)(
  'what may have arrived is billed once: %s, then %s',
  async (_, __, first, second) => {
    const outbox = memoryOutbox()
    const backend = new Backend()
    const recorder = createMeter({ providers: [], outbox: { ...outbox, close: () => {} } })
    const at = Math.floor(Date.now() / 60_000) * 60_000 - 60_000
    for (let index = 0; index < 12; index++) {
      const customer = `cus_${index % 2}`
      const tokens = { input: 10 + index, output: 1 }
      await recorder.record({
        customer,
        provider: 'openai',
        model: 'gpt-5',
        tokens,
        at: at + index * 400,
      })
    }
    await recorder.close()
    await deliverWith(outbox, first(backend.sink), true)
    backend.losesAnswers = false
    await deliverWith(outbox, second(backend.sink), false)
    expect(backend.billed()).toBe(12 * 10 + 66 + 12)
    expect(await outbox.stats('backend')).toMatchObject({ delivered: 12, pending: 0, dead: 0 })
  },
)

test('sums in a wrapper that does not hand on the progress are billed once, whatever answers are lost', async () => {
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const outbox = memoryOutbox()
  const backend = new Backend()
  let isAway = true
  const sums = aggregated({
    name: 'backend',
    send: async (batch, signal) => {
      const results = await backend.sink.send(batch, signal)
      return isAway ? new Promise(() => {}) : results
    },
  })
  const wrapped: Sink = { ...sums, send: (batch, signal) => sums.send(batch, signal) }
  backend.losesAnswers = false
  const recorder = createMeter({ providers: [], outbox: { ...outbox, close: () => {} } })
  for (let index = 0; index < 12; index++) {
    const tokens = { input: 10 + index, output: 1 }
    await recorder.record({ customer: 'cus_1', provider: 'openai', model: 'gpt-5', tokens })
  }
  await recorder.close()
  await deliverWith(outbox, wrapped, true)
  isAway = false
  await deliverWith(outbox, wrapped, false)
  expect(backend.billed()).toBe(12 * 10 + 66 + 12)
  expect(await outbox.stats('backend')).toMatchObject({ delivered: 12, pending: 0, dead: 0 })
  const told = warned.mock.calls.flat().filter((line) => String(line).includes('nothing is summed'))
  expect(told).toHaveLength(1)
  warned.mockRestore()
})
