import { anthropicProvider } from '@token-meter/anthropic'
import { createMeter, memoryOutbox } from '@token-meter/core'
import { openaiProvider } from '@token-meter/openai'
import { expect, test } from 'vitest'
import { createGateway } from './create-gateway.ts'
import { checkedOptions, type GatewayOptions } from './options.ts'

const meter = createMeter({
  providers: [openaiProvider, anthropicProvider],
  outbox: memoryOutbox(),
  sinks: [],
})
const upstream = { baseUrl: 'https://api.openai.com', apiKey: 'sk-secret-key' }
const right = { meter, upstreams: { openai: upstream } }

test('an upstream has the API, and the header for its key, that its name or its host says', () => {
  const { upstreams } = checkedOptions({
    meter,
    upstreams: {
      openai: upstream,
      anthropic: { ...upstream, baseUrl: 'https://proxy.test/' },
      claude: { ...upstream, baseUrl: 'https://api.anthropic.com/' },
      google: { ...upstream, baseUrl: 'https://generativelanguage.googleapis.com' },
      azure: { ...upstream, baseUrl: 'https://me.openai.azure.com' },
      vertex: { baseUrl: 'https://eu-aiplatform.googleapis.com', auth: 'caller' },
      groq: { ...upstream, baseUrl: 'https://api.groq.com/openai/', headers: { 'X-A': 'b' } },
    },
  })
  expect([...upstreams.values()].map(({ name, dialect, auth }) => [name, dialect, auth])).toEqual([
    ['openai', 'openai', 'bearer'],
    ['anthropic', 'anthropic', 'x-api-key'],
    ['claude', 'anthropic', 'x-api-key'],
    ['google', 'gemini', 'x-goog-api-key'],
    ['azure', 'openai', 'api-key'],
    ['vertex', 'gemini', 'caller'],
    ['groq', 'openai', 'bearer'],
  ])
  expect(upstreams.get('groq')).toMatchObject({
    baseUrl: 'https://api.groq.com/openai',
    headers: { 'x-a': 'b' },
  })
})

test.each<readonly [string, object, RegExp]>([
  ['no upstream', { upstreams: {} }, /upstreams must be/],
  [
    'an option that there is not',
    { upstream: {} },
    /no option "upstream", did you mean "upstreams"/,
  ],
  ['a name of a path', { upstreams: { chat: upstream } }, /upstreams\.chat: paths of the gateway/],
  ['a version as a name', { upstreams: { v2: upstream } }, /upstreams\.v2/],
  ['a name with a slash', { upstreams: { 'a/b': upstream } }, /lower-case/],
  ['no key', { upstreams: { x: { baseUrl: 'https://x.test' } } }, /apiKey is missing/],
  ['a key too many', { upstreams: { x: { ...upstream, auth: 'caller' } } }, /leave apiKey out/],
  [
    'an address with a key in it',
    { upstreams: { x: { ...upstream, baseUrl: 'https://u:p@x.test' } } },
    /baseUrl/,
  ],
  ['an address of files', { upstreams: { x: { ...upstream, baseUrl: 'file:///etc' } } }, /baseUrl/],
  ['a key of two lines', { upstreams: { x: { ...upstream, apiKey: 'a\r\nb: c' } } }, /apiKey/],
  ['a header that frames', { upstreams: { x: { ...upstream, headers: { Host: 'x' } } } }, /"host"/],
  [
    'a header of two lines',
    { upstreams: { x: { ...upstream, headers: { a: 'b\r\nc: d' } } } },
    /headers\.a/,
  ],
  ['a path with a slash at its end', { basePath: '/llm/' }, /basePath/],
  ['an origin that is none', { cors: { origins: ['https://a.test/'] } }, /cors\.origins/],
  ['a time that is none', { timeouts: { idleMs: -1 } }, /timeouts\.idleMs/],
  ['a time that there is not', { timeouts: { totalMs: 1 } }, /totalMs/],
  ['less in all than for one', { maxBytesInFlight: 10 }, /maxBytesInFlight/],
  ['a short admin key', { adminKey: 'abc' }, /adminKey/],
  ['no meter', { meter: undefined }, /meter must be/],
])('%s is refused, and no key is shown', (_, options, message) => {
  const wrong = { ...right, ...options } as GatewayOptions
  let said = ''
  try {
    createGateway(wrong)
  } catch (error) {
    said = String(error)
  }
  expect(said).toMatch(message)
  expect(said).toMatch(/^ConfigError: createGateway/)
  expect(said).not.toContain('sk-secret-key')
})

test('an upstream whose answers the meter cannot read is refused', () => {
  const gemini = { baseUrl: 'https://generativelanguage.googleapis.com', apiKey: 'k' }
  expect(() => createGateway({ meter, upstreams: { gemini } })).toThrow(
    /upstreams\.gemini .* googleProvider of @token-meter\/google/,
  )
})
