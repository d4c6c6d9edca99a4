import type { UsageRecord } from '@token-meter/core/sink'
import { exampleRecord } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import { type MetronomeSinkOptions, metronomeSinkSettings } from './options.ts'
import { metronomeModelSlug, outsideEventWindow, toMetronomeEvent } from './metronome-events.ts'

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

test.each([
  ['openai', 'gpt-5.4-2026-03-05', 'openai/gpt-5.4'],
  ['azure', 'gpt-5.4-2026-03-05', 'openai/gpt-5.4'],
  ['anthropic', 'claude-sonnet-4-5-20250929', 'anthropic/claude-sonnet-4.5'],
  ['bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'anthropic/claude-sonnet-4.5'],
  ['vertex', 'claude-sonnet-4-5@20250929', 'anthropic/claude-sonnet-4.5'],
  ['google', 'gemini-2.5-pro', 'google/gemini-2.5-pro'],
  ['vertex', 'gemini-2.5-pro', 'google/gemini-2.5-pro'],
  ['openrouter', 'anthropic/claude-sonnet-4.5', 'anthropic/claude-sonnet-4.5'],
  ['groq', 'qwen/qwen3-32b', 'groq/qwen/qwen3-32b'],
  ['xai', 'grok-4', 'xai/grok-4'],
  ['openai', 'my-own-model', 'openai/my-own-model'],
])('%s, %s is %s', (provider, model, slug) => {
  expect(metronomeModelSlug(provider, model)).toBe(slug)
})

const hour = 60 * 60_000
const day = 24 * hour
const now = Date.parse('2026-11-21T10:00:00Z')

test('what is within the window is sent', () => {
  expect(outsideEventWindow(now, undefined, now)).toBeUndefined()
  expect(outsideEventWindow(now - 34 * day, undefined, now)).toBeUndefined()
  expect(outsideEventWindow(now + day, undefined, now)).toBeUndefined()
  expect(outsideEventWindow(now - 33 * day, now - 33 * day, now)).toBeUndefined()
})

test('what is too old says so, and what to do', () => {
  expect(outsideEventWindow(now - 34 * day - 1, undefined, now)).toMatchObject({
    status: 'rejected',
    reason: expect.stringMatching(/^it is dated 2026-10-18T09:59:59.999Z.*past 34 days.*discard/),
  })
})

test('what may have arrived so long ago is uncertain, however it is dated', () => {
  const uncertain = {
    status: 'rejected',
    reason: expect.stringMatching(/^uncertain: .*34 days/),
    code: 'uncertain',
  }
  const since = now - 34 * day + hour
  expect(outsideEventWindow(now - 34 * day - 1, now - day, now)).toMatchObject(uncertain)
  expect(outsideEventWindow(now - 33 * day, since, now)).toMatchObject(uncertain)
  expect(outsideEventWindow(now - 33 * day, since + 1, now)).toBeUndefined()
})

test('what is ahead waits until Metronome takes it, at most a minute at a time', () => {
  expect(outsideEventWindow(now + day + 5000, undefined, now)).toMatchObject({
    status: 'retry',
    afterMs: 5000,
    recordOnly: true,
    reason: expect.stringMatching(/24 hours ahead/),
  })
  expect(outsideEventWindow(now + 9 * day, now, now)).toMatchObject({ afterMs: 60_000 })
  expect(outsideEventWindow(Number.MAX_VALUE, undefined, now)).toMatchObject({ status: 'retry' })
})
