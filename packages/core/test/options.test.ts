import { exampleRecord } from '@token-meter/testkit/suites'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  aggregated,
  ConfigError,
  consoleSink,
  createMeter,
  memoryOutbox,
  watchUnmetered,
} from '../src/index.ts'
import { cost } from '../src/cost.ts'
import { gptTokenizer } from '../src/gpt-tokenizer.ts'
import { sqliteOutbox } from '../src/sqlite.ts'
import { temporaryFolder } from './outbox/temporary-folder.ts'

const needed = { providers: [], outbox: memoryOutbox() }
const sink = async () => {}

test.each([
  [{ sink: [sink] }, /no option "sink", did you mean "sinks"\?/],
  [{ onerror: () => {} }, /did you mean "onError"/],
  [{ plugins: [] }, /no option "plugins"\. It takes providers, outbox, sinks/],
  [{ retentionMs: '' }, /retentionMs must be a number of ms from 0 up, got an empty string/],
  [{ retentionMs: null }, /retentionMs is null/],
  [{ retentionMs: Number.NaN }, /retentionMs must be .*got NaN/],
  [{ retentionMs: -1 }, /retentionMs must be .*got -1/],
  [{ delivery: -1 }, /delivery takes an object of options, got -1/],
  [{ delivery: null }, /delivery is null/],
  [{ delivery: { polMs: 5 } }, /delivery: there is no option "polMs", did you mean "pollMs"/],
  [{ delivery: { pollMs: '5' } }, /delivery\.pollMs must be a number of ms/],
  [{ delivery: { backoff: 5 } }, /delivery\.backoff takes an object of options, got 5/],
  [{ delivery: { backoff: { base: 5 } } }, /no option "base", did you mean "baseMs"/],
  [{ awaitDeliveryMs: '' }, /awaitDeliveryMs must be a number of ms/],
  [{ awaitDeliveryMs: Infinity }, /awaitDeliveryMs must be a number of ms/],
  [{ waitUntil: true }, /waitUntil must be a function/],
  [{ onError: 'log' }, /onError must be a function/],
  [{ onMissingCustomer: 'refuse' }, /onMissingCustomer must be "record" or "throw"/],
  [{ providers: 'openai' }, /providers must be a list of providers, such as \[openaiProvider\]/],
  [{ providers: [undefined] }, /providers\[0\] must be a provider, such as .*got undefined/],
  [{ sinks: null }, /sinks is null/],
  [{ outbox: null }, /outbox is null/],
  [{ cost: null }, /cost is null/],
  [{ attributes: null }, /attributes is null/],
])('createMeter(%j) is refused where it is made', (options, message) => {
  const make = () => createMeter({ ...needed, ...(options as object) })
  expect(make).toThrow(ConfigError)
  expect(make).toThrow(message)
})

test('a guard whose books are in another outbox than the meter records into is refused', () => {
  const outbox = memoryOutbox()
  const guard = { admit: () => undefined }
  const make = (options: object) => () => createMeter({ ...needed, ...options })
  const ofAnother = make({ outbox: memoryOutbox(), guard: { ...guard, outbox } })
  expect(ofAnother).toThrow(ConfigError)
  expect(ofAnother).toThrow(/not the one that its guard keeps its books in: pass the same object/)
  const ofNone = make({ outbox: undefined, guard: { ...guard, outbox } })
  expect(ofNone).toThrow(/was given no outbox.*pass the same object to both, such as const outbox/)
  expect(make({ outbox, guard: { ...guard, outbox } })).not.toThrow()
  expect(make({ outbox, guard })).not.toThrow()
})

test.each([undefined, null, 5, 'meter', []])('createMeter(%j) too', (options) => {
  expect(() => createMeter(options as never)).toThrow(/createMeter takes an object of options/)
})

const file = () => join(temporaryFolder(), 'usage.db')

test.each([
  [() => aggregated(sink, { window: 5 } as never), /did you mean "windowMs"/],
  [() => aggregated(sink, null as never), /aggregated takes an object/],
  [() => consoleSink({ writes: () => {} } as never), /did you mean "write"/],
  [() => consoleSink({ write: 'x' } as never), /write must be a function/],
  [() => memoryOutbox({ maxByte: 5 } as never), /did you mean "maxBytes"/],
  [() => memoryOutbox({ maxBytes: '' } as never), /maxBytes must be a number above 0/],
  [() => memoryOutbox({ now: 5 } as never), /now must be a function/],
  [() => sqliteOutbox(file(), { durabilty: 'full' } as never), /did you mean "durability"/],
  [() => sqliteOutbox(file(), { busyTimeoutMs: '' } as never), /busyTimeoutMs must be a number/],
  [() => sqliteOutbox(file(), { groupMs: null } as never), /groupMs is null/],
  [() => cost({ markups: 20 } as never), /did you mean "markup"/],
  [() => watchUnmetered({ providers: [] } as never), /the listener must be a function, such as/],
  [() => watchUnmetered(() => {}, { provider: [] } as never), /did you mean "providers"/],
  [() => watchUnmetered(() => {}, { providers: {} } as never), /providers must be a list/],
  [() => gptTokenizer({ encodings: 'o200k_base' } as never), /did you mean "encoding"/],
])('%s is refused', (make, message) => {
  expect(make).toThrow(ConfigError)
  expect(make).toThrow(message)
})

const provider = {
  name: 'any',
  clientDescription: 'any',
  recognises: (client: object): client is object => typeof client !== 'function',
  observe: <Client extends object>(client: Client) => client,
}

test('what is asked of a meter is checked too', async () => {
  const meter = createMeter({ ...needed, providers: [provider] })
  const wrap = (options: unknown) => () => meter({}, 'cus_1', options as never)
  expect(wrap({ attribute: {} })).toThrow(/did you mean "attributes"/)
  expect(wrap({ provider: '' })).toThrow(/provider must be a name/)
  expect(wrap({ includeUsage: 'yes' })).toThrow(/includeUsage must be true or false/)
  await expect(meter.flush({ timeout: 5 } as never)).rejects.toThrow(/did you mean "timeoutMs"/)
  await expect(meter.flush(null as never)).rejects.toThrow(ConfigError)
  await expect(meter.close({ timeoutMs: '' as never })).rejects.toThrow(/timeoutMs must be/)
  const usage = { customer: 'c', provider: 'p', model: 'm', tokens: { input: 1 } }
  await expect(meter.record({ ...usage, atributes: {} } as never)).rejects.toThrow(
    /does not know "atributes": did you mean "attributes"/,
  )
  await meter.record(exampleRecord({ id: 'again' }) as never)
  await meter.close()
})

test('the name of a sink that there is not is refused, with those that there are', async () => {
  const outbox = sqliteOutbox(file())
  await outbox.append([exampleRecord()])
  await outbox.claim('lago', { limit: 1, leaseMs: 1 })
  const stripe = Object.defineProperty(async () => {}, 'name', { value: 'stripe' })
  const meter = createMeter({ ...needed, outbox, sinks: [stripe] })
  const asked = {
    deadLetters: () => meter.outbox.deadLetters('strpie'),
    requeue: () => meter.outbox.requeue('strpie'),
    discard: () => meter.outbox.discard('strpie'),
    stats: () => meter.outbox.stats('strpie'),
    ledger: () => meter.outbox.ledger('strpie'),
    removeSink: () => meter.outbox.removeSink('strpie'),
    correct: () => meter.correct('strpie', ['a'], { state: 'dead', reason: 'why' }),
  }
  for (const [method, ask] of Object.entries(asked)) {
    await expect((async () => await ask())(), method).rejects.toThrow(
      'there is no sink "strpie", did you mean "stripe"? (there are "lago", "stripe")',
    )
  }
  await expect(
    (async () => await meter.outbox.ledger('stripe', { limt: 1 } as never))(),
  ).rejects.toThrow(/did you mean "limit"/)
  expect(await meter.outbox.deadLetters('stripe')).toEqual([])
  expect(await meter.outbox.stats('lago')).toMatchObject({ recorded: 1 })
  expect(await meter.outbox.removeSink('lago')).toBe(true)
  await expect((async () => await meter.outbox.stats('lago'))()).rejects.toThrow(/no sink "lago"/)
  await meter.close()
})

test('what is no client is named, and a text, which may be a key, is not shown', () => {
  const meter = createMeter({ ...needed, providers: [provider] })
  const refusal = (client: unknown) => () => meter(client as never, 'cus_1')
  expect(refusal(ConfigError)).toThrow(/got the class ConfigError, not an instance of it/)
  expect(refusal(() => {})).toThrow(/got a function/)
  expect(refusal('sk-secret')).toThrow(/got a value of type string/)
  expect(refusal('sk-secret')).not.toThrow(/sk-secret/)
})

test('a call that was begun before it could be named is refused in words', async () => {
  const meter = createMeter(needed)
  const begun = Promise.resolve(1)
  const name = () => meter.withCustomer('cus_1', begun as never)
  expect(name).toThrow(/a function that makes the calls, got an instance of Promise.*pass \(\) =>/)
})

test('meter.fetch that is called as the fetch that it makes says so', () => {
  const meter = createMeter({ ...needed, providers: [provider] })
  const call = () => meter.fetch('https://api.openai.com/v1/models', { method: 'GET' } as never)
  expect(call).toThrow(ConfigError)
  expect(call).toThrow(/makes a fetch, and was called as one/)
})
