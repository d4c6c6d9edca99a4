import { ConfigError } from '@token-meter/core/sink'
import { Client } from 'lago-javascript-client'
import { expect, test } from 'vitest'
import { type LagoClient, lagoApiUrl, lagoClient } from './lago-client.ts'

test.each([
  ['https://api.getlago.com', 'https://api.getlago.com/api/v1'],
  ['https://api.getlago.com/', 'https://api.getlago.com/api/v1'],
  ['https://api.getlago.com/api/v1', 'https://api.getlago.com/api/v1'],
  ['https://api.getlago.com/api/v1/', 'https://api.getlago.com/api/v1'],
  ['http://127.0.0.1:3000', 'http://127.0.0.1:3000/api/v1'],
  ['https://example.com/lago', 'https://example.com/lago/api/v1'],
  ['https://example.com/lago/api/v1//', 'https://example.com/lago/api/v1'],
])('%s is %s', (given, base) => {
  expect(lagoApiUrl(given)).toBe(base)
})

test.each([
  '',
  'api.getlago.com',
  'ftp://x',
  7,
  null,
  'https://u:verySECRET@x',
  'https://x?y',
  'https://x#y',
])('the URL %j is refused, and not repeated', (given) => {
  expect(() => lagoApiUrl(given)).toThrow(ConfigError)
  expect(() => lagoApiUrl(given)).not.toThrow(/SECRET/)
})

test.each([
  [{}, /apiKey is a value of type undefined; set it to an API key/],
  [{ apiKey: '' }, /apiKey is an empty string/],
  [{ apiKey: 'very SECRET\n' }, /apiKey has white space/],
  [{ apiKey: 'k', client: Client('k') }, /either client, or apiKey and apiUrl/],
  [{ apiUrl: 'https://x', client: Client('k') }, /either client, or apiKey and apiUrl/],
  [{ client: {} as LagoClient }, /client has no events.createBatchEvents/],
  [{ client: null as unknown as LagoClient }, /client has no events.createBatchEvents/],
  [
    { client: { events: Client('k').events }, checkSubscriptions: true },
    /client has no subscriptions.findSubscription/,
  ],
])('%# is refused, and no key repeated', (options, message) => {
  expect(() => lagoClient(options)).toThrow(ConfigError)
  expect(() => lagoClient(options)).toThrow(message)
  expect(() => lagoClient(options)).not.toThrow(/SECRET/)
})

test('the address is that of the option, else of the cloud', () => {
  const base = (apiUrl?: string) =>
    (lagoClient({ apiKey: 'k', apiUrl }).client as unknown as { baseUrl: string }).baseUrl
  expect(base()).toBe('https://api.getlago.com/api/v1')
  expect(base('http://127.0.0.1:3000')).toBe('http://127.0.0.1:3000/api/v1')
})
