import { ConfigError } from '@token-meter/core/sink'
import { expect, test } from 'vitest'
import { ingestEndpoint } from './ingest-client.ts'

test.each([
  // Self-hosted, also behind a proxy's path, and with v3.
  ['http://localhost:8888', 'http://localhost:8888/api/v1/events', false],
  ['http://localhost:8888/', 'http://localhost:8888/api/v1/events', false],
  ['http://localhost:8888/api/v1', 'http://localhost:8888/api/v1/events', false],
  ['http://localhost:8888/api/v1/events', 'http://localhost:8888/api/v1/events', false],
  ['https://acme.dev/billing/', 'https://acme.dev/billing/api/v1/events', false],
  ['https://acme.dev/billing/api/v1/', 'https://acme.dev/billing/api/v1/events', false],
  ['https://acme.dev/api/v3/openmeter', 'https://acme.dev/api/v3/openmeter/events', false],
  ['https://acme.dev/events', 'https://acme.dev/events/api/v1/events', false],
  // OpenMeter Cloud.
  ['https://openmeter.cloud', 'https://openmeter.cloud/api/v1/events', true],
  ['https://OPENMETER.cloud/api/v1/events', 'https://openmeter.cloud/api/v1/events', true],
  // Kong Konnect.
  ['https://us.api.konghq.com', 'https://us.api.konghq.com/v3/openmeter/events', true],
  ['https://us.api.konghq.com/v3/openmeter', 'https://us.api.konghq.com/v3/openmeter/events', true],
  [
    'https://eu.api.konghq.com/v3/openmeter/events',
    'https://eu.api.konghq.com/v3/openmeter/events',
    true,
  ],
])('%s posts to %s', (url, href, needsKey) => {
  expect(ingestEndpoint(url)).toEqual({ href, needsKey })
})

test.each([
  ['localhost:8888', /url must be an http\(s\) URL such as 'http:\/\/localhost:8888'/],
  ['ftp://localhost', /http\(s\)/],
  ['', /http\(s\)/],
  [8888, /http\(s\)/],
  ['https://user:SECRET@openmeter.cloud', /no user name or password: set apiKey/],
  ['https://openmeter.cloud?key=SECRET', /no query/],
  ['https://openmeter.cloud#SECRET', /no query/],
])('%s is refused', (url, message) => {
  const attempt = () => ingestEndpoint(url)
  expect(attempt).toThrow(ConfigError)
  expect(attempt).toThrow(message)
  expect(attempt).not.toThrow(/SECRET/)
})
