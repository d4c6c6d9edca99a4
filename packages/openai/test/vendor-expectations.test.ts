import { describe, expect, test, vi } from 'vitest'
import { chatCompletion, chatRequest } from './scripts.ts'
import { type Answer, type Side, sideBySide } from './side-by-side.ts'
import { sdkMajors } from './sdk-majors.ts'

/** What later majors have, and earlier ones call otherwise: both sides must answer alike. */
type Open = Record<string, (...args: unknown[]) => unknown>
const open = (client: object): Open => client as Open

const built = async ({ client }: Side, options: object): Promise<unknown> => {
  const result = (await open(client)['buildRequest']?.({
    path: '/foo',
    method: 'post',
    ...options,
  })) as {
    req: { headers: Headers | Record<string, string>; body: unknown }
    url: string
    timeout: number
  }
  const { headers, body } = result.req
  const plain = headers instanceof Headers ? Object.fromEntries(headers) : { ...headers }
  for (const name of Object.keys(plain)) if (/idempotency/i.test(name)) delete plain[name]
  return { headers: plain, body, url: result.url, timeout: result.timeout }
}

/** An expectation of the vendor's own suite: what is done, and how the provider answers. */
type Expectation = [
  what: string,
  work: (side: Side) => unknown,
  answer?: Answer | undefined,
  options?: object,
]

const client: Expectation[] = [
  [
    'default headers are sent',
    (side) => built(side, {}),
    undefined,
    { defaultHeaders: { 'x-mine': '2' } },
  ],
  [
    'a header that is undefined leaves the default',
    (side) => built(side, { headers: { 'x-mine': undefined } }),
    undefined,
    { defaultHeaders: { 'x-mine': '2' } },
  ],
  [
    'a header that is null removes the default',
    (side) => built(side, { headers: { 'x-mine': null } }),
    undefined,
    { defaultHeaders: { 'x-mine': '2' } },
  ],
  ['a body is serialised once', (side) => built(side, { body: { a: [1, { b: 'ü' }] } })],
  ['a query is added', (side) => built(side, { query: { a: 1, b: [2, 3] } })],
  ['a timeout of the request wins', (side) => built(side, { timeout: 1234 })],
  [
    'buildURL joins base, path and default query',
    ({ client }) => [
      client.buildURL('/foo', null),
      client.buildURL('/foo', { hello: undefined }),
      client.buildURL('https://elsewhere.example/x', { a: 1 }),
    ],
    undefined,
    { defaultQuery: { apiVersion: 'foo', hello: 'world' } },
  ],
  [
    'options are readable properties',
    ({ client }) => [
      client.baseURL,
      client.apiKey,
      client.maxRetries,
      client.timeout,
      client.organization,
    ],
    undefined,
    { maxRetries: 4, timeout: 77, organization: 'org' },
  ],
  [
    'properties that are set while it runs are used',
    async ({ client }) => {
      client.baseURL = 'http://localhost:6000/v2'
      client.apiKey = 'another'
      return [await client.get('/foo'), client.baseURL]
    },
  ],
  [
    '_options are those it was made with',
    ({ client }) =>
      Object.keys((client as unknown as { _options?: object })._options ?? {}).toSorted(),
  ],
  [
    'the verbs',
    async ({ client }) => {
      const verbs = ['get', 'post', 'put', 'patch', 'delete'] as const
      for (const verb of verbs)
        await client[verb]('/foo', { body: verb === 'get' ? undefined : { a: 1 } })
    },
  ],
  [
    'withOptions answers another client of the class, with the options changed',
    async ({ client, OpenAI }) => {
      if (!('withOptions' in client)) return 'SDK 4'
      const other = client.withOptions({ maxRetries: 5, baseURL: 'http://localhost:5001/' })
      return [
        other instanceof OpenAI,
        (other as unknown) === client,
        other.constructor === client.constructor,
        other.maxRetries,
        client.maxRetries,
        other.baseURL,
        other.buildURL('/foo', null),
        await other.get('/foo'),
      ]
    },
    undefined,
    { defaultQuery: { q: '1' }, defaultHeaders: { 'x-mine': '1' } },
  ],
  [
    'a function for the key is asked for each request',
    async ({ another }) => {
      let keys = 0
      const asking = another({ apiKey: async () => `key-${++keys}` })
      await asking.get('/foo')
      await asking.chat.completions.create(chatRequest).catch(() => {})
    },
  ],
  ['an invalid key, and none', ({ OpenAI }) => new OpenAI({ apiKey: undefined } as never)],
  [
    'a logger hears of requests',
    async ({ another }) => {
      const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
      await another({ logger, logLevel: 'debug' }).get('/foo')
      return Object.entries(logger).map(([level, log]) => [level, log.mock.calls.length])
    },
  ],
  [
    'a spy on the client sees its requests',
    async ({ client }) => {
      const spy = vi.spyOn(client, 'request')
      await client.get('/foo')
      return spy.mock.calls.length
    },
  ],
  [
    'a caller can stop listening to a signal',
    async ({ client }) => {
      const { signal } = new AbortController()
      const added = vi.spyOn(signal, 'addEventListener')
      const removed = vi.spyOn(signal, 'removeEventListener')
      await client.post('/chat/completions', { body: chatRequest, signal } as never)
      return [added.mock.calls.length, removed.mock.calls.length]
    },
    () => Response.json(chatCompletion),
  ],
  [
    'a signal that was aborted before',
    ({ client }) => client.chat.completions.create(chatRequest, { signal: AbortSignal.abort() }),
  ],
  ['print and spread', ({ client }) => [Object.keys({ ...client }).toSorted(), String(client)]],
]

describe.each(sdkMajors)(
  'as the vendor expects of openai $major: raw and metered',
  ({ OpenAI }) => {
    test.each(client)('%s', async (_, work, answer, options) => {
      const { raw, metered } = await sideBySide(OpenAI, work, answer, options)
      expect(metered).toEqual(raw)
    })

    test('the comparison sees a difference', async () => {
      const { raw, metered } = await sideBySide(OpenAI, ({ isMetered }) => isMetered)
      expect(metered).not.toEqual(raw)
    })
  },
)
