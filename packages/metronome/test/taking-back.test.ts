import Metronome from '@metronome/sdk'
import { createMeter, memoryOutbox } from '@token-meter/core'
import { recordsOf, startFakeMetronome } from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { metronomeModelSlug, metronomeSink } from '../src/index.ts'

/** The recipe of docs/backends/metronome.md. */
test('an event with negative quantities takes a record off the bill, once', async () => {
  const fake = await startFakeMetronome()
  onTestFinished(() => fake.close())
  const metronome = new Metronome({ bearerToken: fake.bearerToken, baseURL: fake.url })
  const outbox = memoryOutbox()
  const cost = { currency: 'USD', provider: '0.1', billed: '0.12', source: 'prices' } as const
  await outbox.append(recordsOf(2, { cost }))
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [metronomeSink({ client: metronome })],
  })
  onTestFinished(() => meter.close())
  await meter.flush()
  for (let times = 0; times < 2; times++) {
    const record = await meter.outbox.find('r1')
    if (!record?.customer) throw new Error('it is in the ledger')
    const { input, cachedInput, output, cachedWrite } = record.tokens
    await metronome.v1.usage.ingest({
      usage: [
        {
          transaction_id: `${record.id}:cancelled`,
          customer_id: record.customer,
          event_type: 'token-billing',
          timestamp: new Date(record.at).toISOString(),
          properties: {
            ...record.attributes,
            model: metronomeModelSlug(record.provider, record.model),
            provider: record.provider,
            input_tokens: -input,
            cached_input_tokens: -cachedInput,
            output_tokens: -output,
            cached_write_tokens: -cachedWrite,
            ...(record.cost && { cost: `-${record.cost.billed}` }),
          },
        },
      ],
    })
    await meter.correct('metronome', [record.id], {
      state: 'discarded',
      reason: 'cancelled at Metronome',
    })
  }
  expect(fake.billed().map(({ value }) => value)).toEqual([10, 5, 7])
  expect(fake.billedCosts()).toMatchObject([{ cost: '0.12' }])
  expect((await meter.stats()).sinks['metronome']).toMatchObject({ delivered: 1, discarded: 1 })
})
