import Metronome from '@metronome/sdk'
import { ConfigError } from '@token-meter/core/sink'
import { afterEach, expect, test, vi } from 'vitest'
import { metronomeSink } from './metronome-sink.ts'
import { metronomeSinkSettings } from './options.ts'

afterEach(() => void vi.unstubAllEnvs())

const bearerToken = 'token-SECRET'

test.each<[object, RegExp]>([
  [{}, /bearerToken is a value of type undefined; set it to an API token of Metronome/],
  [{ bearerToken: '' }, /an empty string/],
  [{ bearerToken: 123456 }, /type number/],
  [{ bearerToken: 'Bearer token-SECRET' }, /begins with "Bearer"/],
  [{ bearerToken: 'token-SECRET\n' }, /white space/],
  [{ bearerToken: 'token-SECRETé' }, /other characters/],
  [{ bearerToken, baseUrl: 'api.metronome.com' }, /baseUrl must be an http\(s\) URL/],
  [{ bearerToken, baseUrl: 'ftp://SECRET' }, /baseUrl/],
  [{ bearerToken, baseUrl: 'https://a:SECRET@b.c' }, /without user/],
  [{ bearerToken, baseUrl: 'https://b.c?SECRET' }, /query/],
  [{ bearerToken, baseUrl: 12 }, /baseUrl/],
  [{ bearerToken, name: '' }, /name must be a string that is not empty/],
  [{ bearerToken, eventType: '' }, /eventType/],
  [{ bearerToken, modelSlug: 'slug' }, /modelSlug must be a function/],
  [{ bearerToken, cost: true }, /cost must be 'billed', 'provider' or false, got true/],
  [{ bearerToken, eventsPerSecond: 0 }, /eventsPerSecond must be a number above 0, got 0/],
  [{ bearerToken, eventsPerSecond: Number.NaN }, /got NaN/],
  [{ bearerToken, timeoutMs: 1.5 }, /timeoutMs must be a whole number of ms from 1 up, got 1.5/],
  [{ bearerToken, timeoutMs: 2 ** 31 }, /timeoutMs/],
  [{ bearerToken, propertyNames: 'x' }, /propertyNames must be an object/],
  [{ bearerToken, propertyNames: { tokens: 'x' } }, /propertyNames.tokens is not known; it takes/],
  [{ bearerToken, propertyNames: { input: '' } }, /propertyNames.input must be a string/],
  [{ bearerToken, propertyNames: { input: 'output_tokens' } }, /"output_tokens" twice/],
  [{ client: {} }, /client must be a client of @metronome\/sdk/],
  [{ client: null }, /client is null/],
  [{ client: new Metronome({ bearerToken }), bearerToken }, /either client, or bearerToken/],
])('%# %j', (options, message) => {
  const attempt = () => metronomeSink(options)
  expect(attempt).toThrow(ConfigError)
  expect(attempt).toThrow(message)
  expect(attempt).not.toThrow(/SECRET|123456/)
})

test('a wrong METRONOME_BASE_URL is named', () => {
  vi.stubEnv('METRONOME_BASE_URL', 'metronome')
  expect(() => metronomeSink({ bearerToken })).toThrow(/METRONOME_BASE_URL must be an http/)
})

test('the defaults are those of token billing', () => {
  expect(metronomeSinkSettings({})).toMatchObject({
    name: 'metronome',
    eventType: 'token-billing',
    cost: 'billed',
    eventsPerSecond: 90_000,
    timeoutMs: 20_000,
  })
  const sink = metronomeSink({ bearerToken, baseUrl: 'https://proxy.example/metronome/' })
  expect(sink).toMatchObject({ name: 'metronome', maxBatch: 100 })
})
