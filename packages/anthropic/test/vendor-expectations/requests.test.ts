import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { message, messageScript, request, streamed } from '../scripts.ts'
import { type SdkClient, sdkMajors } from '../sdk-majors.ts'
import { eventStream, type Fetch, outcomeOf, sideBySide } from './side-by-side.ts'

const json = (body: unknown, init?: ResponseInit) => Response.json(body, init)
const typed = (body: BodyInit | null, type: string) =>
  new Response(body, { headers: { 'content-type': type } })

/** Answers the given ones in turn, then the last again and again. */
const inTurn =
  (...answers: readonly (() => Response | Promise<Response>)[]) =>
  (): Fetch => {
    let turn = 0
    return async () => await (answers[turn++] ?? answers.at(-1)!)()
  }
const again = (status: number, headers: HeadersInit) => () =>
  new Response(null, { status, headers })
const hangs = (_: string, { signal }: RequestInit) =>
  new Promise<Response>((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(new Error('timed out')))
  })

/** What the vendor's own `fetch` mocks answer, and more. */
const answers: readonly (readonly [what: string, answer: () => unknown])[] = [
  ['a message', () => json(message)],
  ['204', () => new Response(null, { status: 204 })],
  ['nothing', () => new Response()],
  [
    'no content length',
    () =>
      new Response('', { headers: { 'content-type': 'application/json', 'content-length': '0' } }),
  ],
  ['text', () => typed('hello', 'text/plain')],
  ['JSON of another type', () => typed(JSON.stringify(message), 'application/problem+json')],
  [
    'JSON as a stream',
    () => typed(new Blob([JSON.stringify(message)]).stream(), 'application/json'),
  ],
  ['broken JSON', () => typed('{', 'application/json')],
  ['null', () => json(null)],
  ['a list', () => json([1])],
  ['a string', () => json('x')],
  [
    'a body that was read',
    () => {
      const used = json(message)
      void used.text()
      return used
    },
  ],
  [
    'what only looks like a response',
    () => ({
      ok: true,
      status: 200,
      headers: new Headers({ 'content-type': 'application/json' }),
      json: async () => structuredClone(message),
      text: async () => 'text',
    }),
  ],
  ['a frozen one', () => Object.freeze(json(message))],
  ['no response', () => undefined],
  [
    'an error',
    () =>
      json({ type: 'error', error: { type: 'overloaded_error', message: 'm' } }, { status: 529 }),
  ],
  ['a page', () => typed('<html>', 'text/html')],
  ['a redirect', () => new Response(null, { status: 302 })],
  ['events', () => eventStream(messageScript)],
  ['events of no type', () => typed(eventStream(messageScript).body, '')],
  [
    'an error event',
    () => eventStream([{ type: 'error', error: { type: 'overloaded_error', message: 'm' } }]),
  ],
  [
    'an event that is no JSON',
    () => typed('event: message_start\ndata: {oops\n\n', 'text/event-stream'),
  ],
  ['no event', () => typed(null, 'text/event-stream')],
]

/** The ways to ask for it. */
const ways: readonly (readonly [how: string, ask: (client: SdkClient) => Promise<unknown>])[] = [
  ['awaited', async ({ messages }) => await messages.create(request)],
  ['of the beta', async ({ beta }) => await beta.messages.create(request)],
  [
    'awaited twice',
    async ({ messages }) => {
      const promise = messages.create(request)
      const first = await promise
      return [first, first === (await promise), first._request_id]
    },
  ],
  [
    'with its response',
    async ({ messages }) => {
      const { data, response, request_id } = await messages.create(request).withResponse()
      return [data, request_id, response?.status, response?.bodyUsed]
    },
  ],
  [
    'as response, text',
    async ({ messages }) => {
      const response = await messages.create(request).asResponse()
      return [response.bodyUsed, response.body?.locked, await response.text(), response.bodyUsed]
    },
  ],
  [
    'as response, a clone',
    async ({ messages }) => {
      const response = await messages.create(request).asResponse()
      const bytes = await response.clone().arrayBuffer()
      return [new TextDecoder().decode(bytes), await response.json()]
    },
  ],
  [
    'as response, its body',
    async ({ messages }) => {
      const response = await messages.create(request).asResponse()
      return [await new Response(response.body).text(), response.body === response.body]
    },
  ],
  [
    'as response, then parsed',
    async ({ messages }) => {
      const promise = messages.create(request)
      const response = await promise.asResponse()
      return [await promise, response.bodyUsed]
    },
  ],
  [
    'streamed',
    async ({ messages }) => {
      const events: unknown[] = []
      for await (const event of await messages.create(streamed)) events.push(event)
      return events
    },
  ],
  ['by the helper', async ({ messages }) => await messages.stream(request).finalMessage()],
  ['by path', async (client) => await client.post('/v1/messages', { body: request })],
  ['of what bills nothing', async (client) => await client.get('/foo')],
]

const middleware = [
  async (sent: unknown, next: (sent: unknown) => Promise<Response>) => await next(sent),
]

describe.each(sdkMajors)('the requests of $version, raw and metered', ({ version, Anthropic }) => {
  describe.each(version === 0.6 ? [{}] : [{}, { middleware }])('%o', (options) => {
    test.each(answers)('%s', async (_, answer) => {
      for (const [, ask] of ways) {
        const { records } = await sideBySide(
          Anthropic,
          async ({ client }) => JSON.stringify(await ask(client)),
          options,
          () => async () => answer() as Response,
        )
        expect(records.length).toBeLessThan(2)
      }
    })
  })

  test.each<[string, () => Fetch, object]>([
    ['429 that says when', inTurn(again(429, { 'retry-after-ms': '1' }), () => json(message)), {}],
    [
      'twice',
      inTurn(again(429, { 'Retry-After': '0.001' }), again(500, { 'retry-after-ms': '1' }), () =>
        json(message),
      ),
      {},
    ],
    [
      'a lost connection',
      inTurn(
        () => Promise.reject(new TypeError('fetch failed')),
        () => json(message),
      ),
      {},
    ],
    [
      'a server that says no',
      inTurn(again(500, { 'x-should-retry': 'false' }), () => json(message)),
      {},
    ],
    ['until there is no more', inTurn(again(500, { 'retry-after-ms': '1' })), {}],
    [
      'a header of ones own',
      inTurn(again(429, { 'retry-after-ms': '1' }), () => json(message)),
      { 'X-Stainless-Retry-Count': '42' },
    ],
    [
      'no header',
      inTurn(again(429, { 'retry-after-ms': '1' }), () => json(message)),
      { 'X-Stainless-Retry-Count': null },
    ],
  ])('retried: %s', async (_, newFetch, headers) => {
    const { records } = await sideBySide(
      Anthropic,
      async ({ client, sent }) => [
        await outcomeOf(() =>
          client.messages.create(request, { headers: headers as Record<string, string | null> }),
        ),
        sent.map(({ init }) => new Headers(init.headers).get('x-stainless-retry-count')),
      ],
      { maxRetries: 2 },
      newFetch,
    )
    expect(records.length).toBeLessThan(2)
  })

  test('a timeout is tried again, and ends in an error of the SDK', async () => {
    let turn = 0
    const { records } = await sideBySide(
      Anthropic,
      async ({ client, sent }) => [
        await client.messages.create(request),
        await outcomeOf(() => client.messages.create(request, { maxRetries: 0 })),
        sent.length,
      ],
      { timeout: 10, maxRetries: 1 },
      () => {
        turn = 0
        return async (url, init) => (++turn === 2 ? json(message) : await hangs(url, init))
      },
    )
    expect(records).toHaveLength(1)
  })

  test('a signal: aborted before, on the way and after; its listeners are let go', async () => {
    await sideBySide(
      Anthropic,
      async ({ client, sent }) => {
        const controllers = Array.from({ length: 4 }, () => new AbortController())
        const [before, way, after, early] = controllers as [
          AbortController,
          AbortController,
          AbortController,
          AbortController,
        ]
        const ask = (signal: AbortSignal) => client.messages.create(request, { signal })
        before.abort()
        const outcomes = [await outcomeOf(() => ask(before.signal))]
        const asked = outcomeOf(() =>
          client.messages.create({ ...request, model: 'hangs' }, { signal: way.signal }),
        )
        setTimeout(() => way.abort(), 5)
        outcomes.push(await asked, await outcomeOf(() => ask(after.signal)))
        const stream = await client.messages.create(streamed, { signal: early.signal })
        let seen = 0
        for await (const _ of stream) if (++seen === 2) early.abort()
        after.abort()
        const listeners = controllers.map(({ signal }) => getEventListeners(signal, 'abort').length)
        return [outcomes, listeners, seen, stream.controller.signal.aborted, sent.length]
      },
      {},
      () => async (url, init) => {
        const { model, stream } = JSON.parse(String(init.body)) as {
          model: string
          stream?: boolean
        }
        if (model === 'hangs') return await hangs(url, init)
        return stream === true ? eventStream(messageScript) : json(message)
      },
    )
  })

  test('the promise: its class, what is derived from it, and the ids of its response', async () => {
    const { records } = await sideBySide(
      Anthropic,
      async ({ client }) => {
        const promise = client.messages.create(request)
        const derived = promise._thenUnwrap((data) => ({ model: data.model }))
        const { data, request_id } = await derived.withResponse()
        const hidden = Object.getOwnPropertyDescriptor(data, '_request_id')
        return [
          [promise instanceof Promise, promise.constructor.name, derived.constructor.name],
          [data, request_id, hidden?.enumerable, hidden?.value],
          [
            await promise.then(({ id }) => id),
            await promise.finally(() => 0),
            await promise.catch(() => 0),
          ],
          Object.keys(await promise.withResponse()),
        ]
      },
      {},
      () => async () => json(message, { headers: { 'request-id': 'req_1' } }),
    )
    expect(records).toHaveLength(1)
  })

  test('pages', async () => {
    const page = (id: string, has_more: boolean) => () =>
      json({ data: [{ id }], has_more, last_id: id, first_id: id })
    await sideBySide(
      Anthropic,
      async ({ client, sent }) => {
        const ids: string[] = []
        for await (const { id } of client.models.list({ limit: 1 })) ids.push(id)
        const first = await client.messages.batches.list()
        ids.push(String(first.hasNextPage()), (await first.getNextPage()).data[0]!.id)
        for await (const { data } of first.iterPages()) ids.push(String(data.length))
        return [ids, sent.map(({ url }) => url)]
      },
      {},
      inTurn(page('1', true), page('2', false), page('3', true), page('4', false)),
    )
  })

  test('a file is sent', async () => {
    await sideBySide(
      Anthropic,
      async ({ client, sent }) => {
        const file = new File(['text'], 'a.txt', { type: 'text/plain' })
        await client.beta.files.upload({ file })
        const form = sent.at(-1)?.init.body as FormData
        return [
          sent.map(({ url }) => url),
          (form.get('file') as File).name,
          await (form.get('file') as File).text(),
        ]
      },
      {},
      () => async () => json({ id: 'file_1' }),
    )
  })
})
