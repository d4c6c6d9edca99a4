import { createMeter, memoryOutbox } from '@token-meter/core'
import { recordsOf, startFakeOpenMeter } from '@token-meter/testkit'
import { billedTotals, expectedTotals } from '@token-meter/testkit/internal/suites'
import { expect, onTestFinished, test } from 'vitest'
import { openMeterSink, type OpenMeterSinkOptions } from '../src/index.ts'

type Where = Pick<OpenMeterSinkOptions, 'url' | 'apiKey'>

const mistakes: readonly (readonly [string, (right: Required<Where>) => Where, RegExp])[] = [
  ['a wrong key', ({ url }) => ({ url, apiKey: 'om_old' }), /\(401\): set apiKey/],
  ['no key', ({ url }) => ({ url }), /\(401\): set apiKey/],
  ['a wrong path', ({ url, apiKey }) => ({ url: `${url}/x`, apiKey }), /\(404\): set url/],
  [
    'no server',
    ({ apiKey }) => ({ url: 'http://127.0.0.1:1', apiKey }),
    /ECONNREFUSED|fetch failed/,
  ],
]

test.each(mistakes)(
  '%s: nothing is lost, and it goes on once it is put right',
  async (_, wrong, why) => {
    const fake = await startFakeOpenMeter()
    onTestFinished(() => fake.close())
    const right = { url: fake.url, apiKey: fake.apiKey }
    const outbox = { ...memoryOutbox(), close: () => {} }
    const records = recordsOf(250)
    await outbox.append(records)
    const errors: string[] = []
    const meterOf = (where: Where) =>
      createMeter({
        providers: [],
        outbox,
        sinks: [openMeterSink(where)],
        delivery: { lingerMs: 0, pollMs: 10 },
        onError: ({ message }) => errors.push(message),
      })
    const wrongly = meterOf(wrong(right))
    const reasons: string[] = []
    wrongly.on('retrying', ({ reason }) => reasons.push(reason))
    await expect.poll(() => reasons.length).toBeGreaterThan(0)
    expect(reasons[0]).toMatch(why)
    expect(await outbox.stats('openmeter')).toMatchObject({ pending: 250, dead: 0 })
    await wrongly.close({ timeoutMs: 50 }).catch(() => {})
    const rightly = meterOf(right)
    await outbox.expedite('openmeter')
    await rightly.flush({ timeoutMs: 10_000 })
    expect(await outbox.stats('openmeter')).toMatchObject({ delivered: 250, pending: 0, dead: 0 })
    expect(billedTotals(fake.billed())).toEqual(expectedTotals(records))
    await rightly.close()
    expect(JSON.stringify([reasons, errors])).not.toContain('om_')
  },
)
