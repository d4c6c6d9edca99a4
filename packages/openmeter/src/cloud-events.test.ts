import type { UsageRecord } from '@token-meter/core/sink'
import { exampleRecord } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import { type OpenMeterSinkOptions, openMeterSinkSettings } from './options.ts'
import { toCloudEvents } from './cloud-events.ts'

const cost = { currency: 'USD', provider: '0.001', billed: '0.0012', source: 'prices' } as const

function eventsOf(
  changes: Partial<UsageRecord> = {},
  options: OpenMeterSinkOptions = {},
  refused: readonly string[] = [],
) {
  const record = exampleRecord({
    id: 'r0',
    tokens: { input: 10, cachedInput: 5, cachedWrite: 2, output: 7 },
    ...changes,
  })
  return toCloudEvents({ ...record, customer: 'cus_1' }, openMeterSinkSettings(options), refused)
}

const common = {
  specversion: '1.0',
  source: 'token-meter',
  type: 'token-billing-tokens',
  subject: 'cus_1',
  time: new Date(Date.UTC(2026, 10, 21)),
}
const dimensions = { feature: 'search', provider: 'openai', model: 'openai/gpt-5.4' }

describe('per token type', () => {
  test('one event for each that was used', () => {
    const event = (type: string, tokens: number) => ({
      ...common,
      id: `r0:${type}`,
      data: { ...dimensions, type, tokens },
    })
    expect(eventsOf()).toEqual([
      event('input', 10),
      event('cached_input', 5),
      event('cached_write', 2),
      event('output', 7),
    ])
    const tokens = { input: 0, cachedInput: 0, cachedWrite: 0, output: 1 }
    expect(eventsOf({ tokens })).toEqual([event('output', 1)])
  })

  test('the cost is an event of another type, because it is that of all tokens', () => {
    const ofCost = (value: string) => ({
      ...common,
      id: 'r0:cost',
      type: 'token-billing-cost',
      data: { ...dimensions, cost: value },
    })
    expect(eventsOf({ cost }).at(-1)).toEqual(ofCost('0.0012'))
    expect(eventsOf({ cost }, { cost: 'provider' }).at(-1)).toEqual(ofCost('0.001'))
    expect(eventsOf({ cost })).toHaveLength(5)
    for (const { data } of eventsOf({ cost }).slice(0, 4)) expect(data).not.toHaveProperty('cost')
  })

  test('no cost: switched off, unpriced, or nothing', () => {
    expect(eventsOf({ cost }, { cost: false })).toHaveLength(4)
    expect(eventsOf()).toHaveLength(4)
    expect(eventsOf({ cost: { ...cost, billed: '0.000' } })).toHaveLength(4)
  })
})

describe('per record', () => {
  const options = { events: 'per-record', eventType: 'litellm_tokens' } as const
  const data = {
    ...dimensions,
    prompt_tokens: 17,
    completion_tokens: 7,
    total_tokens: 24,
    input_tokens: 10,
    cached_input_tokens: 5,
    cached_write_tokens: 2,
    output_tokens: 7,
  }

  test('one event with all counts, and the cost where there is one', () => {
    const event = { ...common, id: 'r0', type: 'litellm_tokens' }
    expect(eventsOf({}, options)).toEqual([{ ...event, data }])
    expect(eventsOf({ cost }, options)).toEqual([{ ...event, data: { ...data, cost: '0.0012' } }])
    expect(eventsOf({ cost }, { ...options, cost: false })).toEqual([{ ...event, data }])
  })
})

const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }

test.each(['per-token-type', 'per-record'] as const)(
  '%s: a cost without tokens is sent',
  (events) => {
    expect(eventsOf({ tokens: none }, { events })).toEqual([])
    expect(eventsOf({ tokens: none, cost }, { events })).toMatchObject([
      { data: { cost: '0.0012' } },
    ])
  },
)

test.each(['per-token-type', 'per-record'] as const)(
  '%s: no attribute can change a bill',
  (events) => {
    const attributes = {
      model: 'free',
      provider: 'free',
      type: 'free',
      tokens: '0',
      cost: '0',
      input_tokens: '0',
      total_tokens: '0',
      subject: 'cus_2',
      plan: 'pro',
    }
    const options = { events, cost: false } as const
    const plain = eventsOf({ attributes: {} }, options)
    const sly = eventsOf({ attributes }, options)
    expect(sly).toEqual(
      plain.map((event) => ({ ...event, data: { ...event.data, subject: 'cus_2', plan: 'pro' } })),
    )
  },
)

test('attributes from untyped code are texts, or left out', () => {
  const attributes = { seats: 3, beta: true, nested: {}, nothing: null } as never
  expect(eventsOf({ attributes })[0]?.data).toMatchObject({ seats: '3', beta: 'true' })
  expect(eventsOf({ attributes })[0]?.data).not.toHaveProperty('nested')
  expect(eventsOf({ attributes })[0]?.data).not.toHaveProperty('nothing')
})

test('an id that is used up is not used again', () => {
  expect(eventsOf({}, {}, ['r0:input', 'r0:input~2']).map(({ id }) => id)).toContain('r0:input~3')
  expect(eventsOf({}, { events: 'per-record' }, ['r0']).map(({ id }) => id)).toEqual(['r0~2'])
})

test('what the SDK would fill in is always there', () => {
  for (const event of [...eventsOf({ cost }), ...eventsOf({}, { events: 'per-record' })]) {
    expect(event.id).toMatch(/^r0/)
    expect(event.source).toBe('token-meter')
    expect(event.specversion).toBe('1.0')
    expect(event.time.toISOString()).toBe('2026-11-21T00:00:00.000Z')
  }
  for (const at of [Number.NaN, Infinity, 8.65e15, Date.UTC(10_000, 0, 1)]) {
    expect(() => eventsOf({ at })).toThrow(/no time in ms since the epoch/)
  }
})

test('the model can be written otherwise', () => {
  const modelSlug = (provider: string, model: string) => `${provider}:${model}`
  expect(eventsOf({}, { modelSlug })[0]?.data['model']).toBe('openai:gpt-5.4-2026-03-05')
  expect(() => eventsOf({}, { modelSlug: () => undefined as never })).toThrow(/modelSlug/)
})
