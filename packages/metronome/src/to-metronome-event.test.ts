import type { UsageRecord } from '@token-meter/core/sink'
import { exampleRecord } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import type { MetronomeSinkOptions } from './metronome-sink-options.ts'
import { metronomeSinkSettings } from './metronome-sink-settings.ts'
import { toMetronomeEvent } from './to-metronome-event.ts'

const cost = { currency: 'USD', provider: '0.0010', billed: '0.00123456789', source: 'prices' }
const priced = { cost } as Partial<UsageRecord>

function eventOf(changes: Partial<UsageRecord>, options: MetronomeSinkOptions = {}) {
  const record = exampleRecord({ attributes: {}, ...changes })
  return toMetronomeEvent(record, 'cus_1', metronomeSinkSettings(options))
}

function propertiesOf(changes: Partial<UsageRecord>, options?: MetronomeSinkOptions) {
  return eventOf(changes, options)?.properties
}

test("it is the event of Metronome's token billing guide, to the letter", () => {
  const event = eventOf({
    id: 'b1d52889-f8f7-4aee-a41f-f2eb89789ece',
    provider: 'anthropic',
    model: 'claude-fable-5',
    tokens: { input: 233, cachedInput: 1459, cachedWrite: 210, output: 83 },
    at: Date.parse('2026-08-24T18:38:50.597Z'),
  })
  expect(JSON.stringify(event)).toBe(
    '{"transaction_id":"b1d52889-f8f7-4aee-a41f-f2eb89789ece","customer_id":"cus_1","event_type":"token-billing","timestamp":"2026-08-24T18:38:50.597Z","properties":{"model":"anthropic/claude-fable-5","provider":"anthropic","input_tokens":233,"cached_input_tokens":1459,"output_tokens":83,"cached_write_tokens":210}}',
  )
})

test('a count of 0 is sent: a metric may want the property to exist', () => {
  const tokens = { input: 5, cachedInput: 0, cachedWrite: 0, output: 0 }
  expect(propertiesOf({ tokens })).toMatchObject({
    input_tokens: 5,
    cached_input_tokens: 0,
    output_tokens: 0,
    cached_write_tokens: 0,
  })
})

test('nothing used and nothing to pay is no event', () => {
  const tokens = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
  const free = { ...priced, cost: { ...cost, billed: '0.00' } } as Partial<UsageRecord>
  expect(eventOf({ tokens })).toBeUndefined()
  expect(eventOf({ tokens, ...free })).toBeUndefined()
  expect(eventOf({ tokens, ...priced }, { cost: false })).toBeUndefined()
  // An image, say, has a price and no tokens.
  expect(eventOf({ tokens, ...priced })).toMatchObject({ properties: { cost: '0.00123456789' } })
})

test('the cost is the exact text, of the customer or of the provider, or left out', () => {
  expect(propertiesOf(priced)).toHaveProperty('cost', '0.00123456789')
  expect(propertiesOf(priced, { cost: 'provider' })).toHaveProperty('cost', '0.0010')
  expect(propertiesOf(priced, { cost: false })).not.toHaveProperty('cost')
  expect(propertiesOf({})).not.toHaveProperty('cost')
})

test('attributes are properties, and none stands in for what decides the bill', () => {
  const attributes = {
    feature: 'chat',
    model: 'openai/free',
    provider: 'nobody',
    input_tokens: '0',
    cached_write_tokens: '0',
    cost: '0',
  }
  const properties = propertiesOf({ attributes })
  expect(properties).toMatchObject({
    feature: 'chat',
    model: 'openai/gpt-5.4',
    provider: 'openai',
    input_tokens: 1200,
    cached_write_tokens: 0,
  })
  // Not even where the record has no cost.
  expect(properties).not.toHaveProperty('cost')
  expect(propertiesOf({ attributes }, { cost: false })).toHaveProperty('cost', '0')
})

test('attributes of untyped code become text, and what has none is left out', () => {
  const attributes = { seats: 3, isTrial: true, nested: {}, nothing: null } as never
  const properties = propertiesOf({ attributes })
  expect(properties).toMatchObject({ seats: '3', isTrial: 'true' })
  expect(properties).not.toHaveProperty('nested')
  expect(properties).not.toHaveProperty('nothing')
})

test('properties can have the names that metrics know', () => {
  const propertyNames = { input: 'prompt_tokens', output: 'completion_tokens', cost: 'usd' }
  const properties = propertiesOf(
    { ...priced, attributes: { usd: '0', input_tokens: 'free' } },
    { propertyNames, eventType: 'llm' },
  )
  expect(properties).toMatchObject({
    prompt_tokens: 1200,
    completion_tokens: 85,
    cached_input_tokens: 300,
    usd: '0.00123456789',
    input_tokens: 'free',
  })
  expect(properties).not.toHaveProperty('cost')
  expect(eventOf({}, { eventType: 'llm' })).toMatchObject({ event_type: 'llm' })
})

test('the model is written as the option says', () => {
  const modelSlug = (provider: string, model: string) => `${provider}|${model}`
  expect(propertiesOf({}, { modelSlug })).toMatchObject({ model: 'openai|gpt-5.4-2026-03-05' })
  expect(() => eventOf({}, { modelSlug: () => undefined as never })).toThrow(/must answer a string/)
})
