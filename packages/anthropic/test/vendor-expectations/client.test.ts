import { afterEach, describe, expect, test, vi } from 'vitest'
import { message, request } from '../scripts.ts'
import { sdkMajors } from '../sdk-majors.ts'
import { type Side, sideBySide } from './side-by-side.ts'

interface Internals {
  _options: { readonly defaultHeaders?: unknown; readonly maxRetries?: number }
  buildRequest(
    options: object,
    more?: object,
  ): Promise<{ req: { headers: Headers; body: unknown } }>
}

const internals = ({ client }: Pick<Side, 'client'>) => client as unknown as Internals
const built = async (side: Side, options: object) =>
  (await internals(side).buildRequest({ path: '/foo', method: 'post', ...options }, {})).req

/** What the vendor expects of a client that sends nothing yet: its settings, and how it builds requests. */
describe.each(sdkMajors)('a metered client of $version is set up as a raw one', (sdk) => {
  const { Anthropic } = sdk
  afterEach(() => void vi.unstubAllEnvs())

  test.each([
    ['trailing slash', { baseURL: 'https://h.test/path/' }],
    ['no slash', { baseURL: 'https://h.test/path' }],
    ['query', { baseURL: 'https://h.test', defaultQuery: { a: '1', b: undefined } }],
  ])('addresses: %s', async (_, options) => {
    const { outcome } = await sideBySide(
      Anthropic,
      ({ client }) => [
        client.baseURL,
        client.buildURL('/foo', null),
        client.buildURL('/foo', { b: '2' }),
        client.buildURL('https://other.test/x', null),
        client.buildURL('/foo', null, 'https://option.test'),
      ],
      options,
    )
    expect(JSON.stringify(outcome)).toContain('https://h.test')
  })

  test('the environment names key and address', async () => {
    vi.stubEnv('ANTHROPIC_API_KEY', 'sk-env')
    vi.stubEnv('ANTHROPIC_BASE_URL', 'https://env.test/api')
    vi.stubEnv('ANTHROPIC_LOG', 'debug')
    const { outcome } = await sideBySide(Anthropic, ({ wrap }) => {
      const client = wrap(new Anthropic())
      return [client.apiKey, client.baseURL, client.logLevel, client.maxRetries, client.timeout]
    })
    expect(outcome).toMatchObject({ value: ['sk-env', 'https://env.test/api', 'debug', 2, 600000] })
  })

  test.each([
    ['as they are', {}],
    ['undefined leaves one', { 'X-Default': undefined }],
    ['null removes one', { 'X-Default': null }],
    ['any case', { 'x-DEFAULT': 'own', 'X-Other': 'b', 'x-other': 'c' }],
  ])('default headers: %s', async (_, headers) => {
    await sideBySide(
      Anthropic,
      async (side) => {
        const { headers: sent } = await built(side, { headers, body: { a: 1 } })
        expect(sent).toBeInstanceOf(Headers)
        return [...sent].filter(([name]) => name !== 'user-agent')
      },
      { defaultHeaders: { 'X-Default': '2' } },
    )
  })

  test.each<[string, () => unknown]>([
    ['an object', () => ({ a: 1 })],
    ['a list', () => ['a']],
    ['what has toJSON', () => ({ toJSON: () => ({ b: 2 }) })],
    ['a stream', () => new Response('a\nb\n').body],
    ['an iterator of bytes', () => [new TextEncoder().encode('a\nb\n')][Symbol.iterator]()],
    ['a form', () => Object.assign(new FormData(), { set: undefined })],
  ])('a body: %s', async (_, body) => {
    await sideBySide(Anthropic, async (side) => {
      const { headers, body: sent } = await built(side, { body: body() })
      const shown = sent instanceof ReadableStream ? await new Response(sent).text() : String(sent)
      return [headers.get('content-type')?.split(';')[0], typeof sent, shown]
    })
  })

  test('withOptions: overridden, inherited, and after a change of the client', async () => {
    const { outcome } = await sideBySide(
      Anthropic,
      async ({ client, sent }) => {
        client.baseURL = 'https://changed.test/'
        client.timeout = 2000
        const clone = client.withOptions({ maxRetries: 5 })
        expect(clone).not.toBe(client)
        expect(clone).toBeInstanceOf(Anthropic)
        expect(clone.constructor).toBe(client.constructor)
        await clone.messages.create(request)
        return [
          [clone.maxRetries, client.maxRetries, clone.timeout, clone.baseURL],
          [clone.buildURL('/bar', null), internals({ client: clone })._options.maxRetries],
          [(await built({ client: clone } as Side, {})).headers.get('x-default'), sent[0]?.url],
        ]
      },
      { defaultHeaders: { 'X-Default': '2' }, defaultQuery: { a: '1' }, maxRetries: 3 },
      () => async () => Response.json(message),
    )
    expect(outcome).toMatchObject({ value: [[5, 3, 2000, 'https://changed.test/'], {}, ['2', {}]] })
  })

  test('spies and own properties: they are kept, called and taken away again', async () => {
    const { records } = await sideBySide(
      Anthropic,
      async ({ client, sent }) => {
        const own = Object.assign(client, { own: 1 })
        const spies = [
          vi.spyOn(client, 'request'),
          vi.spyOn(client, 'post'),
          vi.spyOn(client, 'get'),
        ]
        await client.get('/foo')
        await client.messages.create(request)
        await client.withOptions({}).messages.create(request)
        const calls = spies.map((spy) => spy.mock.calls.length)
        expect(vi.isMockFunction(client.post)).toBe(true)
        for (const spy of spies) spy.mockRestore()
        await client.messages.create(request)
        const bound = vi.spyOn(client, 'buildURL').mockReturnValue('https://mocked.test/')
        await client.messages.create(request)
        return [
          own.own,
          calls,
          vi.isMockFunction(client.post),
          bound.mock.calls.length,
          sent.length,
        ]
      },
      {},
      () => async () => Response.json(message),
    )
    expect(records).toHaveLength(4)
  })

  test.each(['debug', 'info', 'off'] as const)(
    'the logger is told as much: %s',
    async (logLevel) => {
      const { outcome } = await sideBySide(
        Anthropic,
        async ({ client, wrap }) => {
          const told: string[] = []
          const tell = (level: string) => (what: string) =>
            void told.push(`${level} ${what.replace(/log_\w+|\d+ms/g, '')}`)
          const logger = {
            debug: tell('debug'),
            info: tell('info'),
            warn: tell('warn'),
            error: tell('error'),
          }
          const own = { fetch: (client as unknown as { fetch: unknown }).fetch } as never
          const logging = wrap(new Anthropic({ ...(own as object), apiKey: 'k', logger, logLevel }))
          await logging.messages.create(request)
          await logging.messages.create(request).withResponse()
          return told
        },
        {},
        () => async () => Response.json(message),
      )
      expect((outcome as { value: string[] }).value.length > 0).toBe(logLevel !== 'off')
    },
  )
})
