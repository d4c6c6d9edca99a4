import { exampleRecord } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import { toMeterEvents } from './meter-event.ts'

const record = exampleRecord({
  id: 'record',
  customer: 'cus_1',
  model: 'gpt-5.4-2026-03-05',
  tokens: { input: 3, cachedInput: 2, cachedWrite: 0, output: 1 },
  attributes: { feature: 'chat' },
})

describe('toMeterEvents', () => {
  test('one event per token type that was used', () => {
    expect(
      toMeterEvents(record).map(({ id, value, dimensions }) => [id, value, dimensions]),
    ).toEqual([
      ['record:input', 3, { feature: 'chat', model: 'openai/gpt-5.4', token_type: 'input' }],
      [
        'record:cached_input',
        2,
        { feature: 'chat', model: 'openai/gpt-5.4', token_type: 'cached_input' },
      ],
      ['record:output', 1, { feature: 'chat', model: 'openai/gpt-5.4', token_type: 'output' }],
    ])
  })

  test("every event has the record's customer and time, and the meter's name", () => {
    for (const event of toMeterEvents(record)) {
      expect(event).toMatchObject({
        name: 'token-billing-tokens',
        customer: 'cus_1',
        timestamp: record.at,
      })
    }
    expect(toMeterEvents(record, { eventName: 'tokens' })[0]?.name).toBe('tokens')
  })

  test('no attribute stands in for what decides the price', () => {
    const sly = exampleRecord({ attributes: { model: 'openai/free', token_type: 'free' } })
    for (const { dimensions } of toMeterEvents(sly)) {
      expect(dimensions.model).toBe('openai/gpt-5.4')
      expect(['input', 'output', 'cached_input']).toContain(dimensions.token_type)
    }
  })

  test('the model can be written otherwise', () => {
    const [event] = toMeterEvents(record, {
      modelSlug: (provider, model) => `${provider}:${model}`,
    })
    expect(event?.dimensions.model).toBe('openai:gpt-5.4-2026-03-05')
  })

  test('nobody is billed for a record without a customer', () => {
    expect(toMeterEvents(exampleRecord({ customer: null }))).toEqual([])
  })

  test('nobody is billed for what is unbilled', () => {
    expect(toMeterEvents(exampleRecord({ unbilled: 'refusal:cyber' }))).toEqual([])
  })
})
