import { expect, test } from 'vitest'
import { createMeter, memoryOutbox, renamedFrom, type Sink } from '../src/index.ts'
import { quick, usage } from './backend.ts'

/** Reports its request, which then hangs, as a process that is killed in the middle leaves it. */
function hangingSink(): Sink & { sends: number } {
  const sink = {
    name: 'hanging',
    reportsProgress: true,
    sends: 0,
    async send({ entries }, _signal, progress) {
      await progress?.sending([{ recordIds: [entries[0]?.record.id ?? ''] }])
      sink.sends++
      return await new Promise(() => {})
    },
  } satisfies Sink & { sends: number }
  return sink
}

const wrappers: readonly [what: string, wrap: (sink: Sink) => Sink, uncertain: number][] = [
  ['as it is', (sink) => sink, 1],
  ['under a new name', (sink) => renamedFrom(sink, 'old'), 1],
  [
    'in another that hands on what it reports',
    (sink) => ({ ...sink, send: (batch, signal, progress) => sink.send(batch, signal, progress) }),
    1,
  ],
  [
    'in another that drops it',
    (sink) => ({ ...sink, send: (batch, signal) => sink.send(batch, signal) }),
    3,
  ],
]

test.each(wrappers)(
  'of a killed batch of a sink %s, what may have arrived is uncertain',
  async (_, wrap, uncertain) => {
    let nowMs = Date.now()
    const outbox = { ...memoryOutbox({ now: () => nowMs }), durable: true, close: () => {} }
    const sink = hangingSink()
    const meter = createMeter({
      providers: [],
      outbox,
      sinks: [wrap(sink)],
      delivery: { ...quick, lingerMs: 20 },
      onError: () => {},
    })
    for (const id of ['a', 'b', 'c']) await meter.record(usage(id))
    await expect.poll(() => sink.sends).toBe(1)
    // Its lease ends while it hangs: another process has the batch.
    nowMs += 3_600_000
    const batch = await outbox.claim('hanging', { limit: 100, leaseMs: 60_000, isMarked: true })
    expect(batch?.entries.filter((entry) => entry.uncertainSince !== undefined)).toHaveLength(
      uncertain,
    )
    await meter.close({ timeoutMs: 1 }).catch(() => {})
  },
)
