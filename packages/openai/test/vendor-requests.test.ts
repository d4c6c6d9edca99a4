import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import { chatCompletion, chatRequest, embeddingList, finishedResponse } from './scripts.ts'
import { type Answer, type Side, sideBySide } from './side-by-side.ts'
import { sdkMajors } from './sdk-majors.ts'

const page = (ids: readonly string[], more: boolean) =>
  Response.json({ object: 'list', data: ids.map((id) => ({ id })), has_more: more })

/** An expectation of the vendor's own suite: what is done, and how the provider answers. */
type Expectation = [
  what: string,
  work: (side: Side) => unknown,
  answer?: Answer | undefined,
  options?: object,
]

const busy =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (_, attempt) =>
    attempt < 3
      ? Response.json(
          { error: { message: 'busy' } },
          { status, headers: { 'retry-after-ms': '1', ...headers } },
        )
      : Response.json(chatCompletion)
const chat = ({ client }: Side) => client.chat.completions.create(chatRequest)

const requests: Expectation[] = [
  ...[408, 409, 429, 500, 503].map((status): Expectation => [
    `${status} is tried again`,
    chat,
    busy(status),
    { maxRetries: 2 },
  ]),
  [
    'x-should-retry: false is obeyed',
    chat,
    busy(500, { 'x-should-retry': 'false' }),
    { maxRetries: 2 },
  ],
  ...[400, 401, 403, 404, 422, 429, 500].map((status): Expectation => [
    `${status} is the error of its class`,
    chat,
    () => Response.json({ error: { message: 'no', code: 'c', type: 't' } }, { status }),
  ]),
  ['an error that is not JSON', chat, () => new Response('<html>', { status: 502 })],
  ['a connection that fails', chat, () => Promise.reject(new TypeError('fetch failed'))],
  [
    'a response that is no JSON',
    chat,
    () => new Response('plain', { headers: { 'content-type': 'text/plain' } }),
  ],
  [
    'JSON that is broken',
    chat,
    () => new Response('{"a":', { headers: { 'content-type': 'application/json' } }),
  ],
  ['no content', ({ client }) => client.post('/foo'), () => new Response(null, { status: 204 })],
  [
    'an idempotency key of the caller is sent',
    ({ client }) =>
      client.post('/chat/completions', { body: chatRequest, idempotencyKey: 'k1' } as never),
    () => Response.json(chatCompletion),
  ],
  [
    'the promise: its class, its helpers, its request id',
    async ({ client }) => {
      const promise = client.chat.completions.create(chatRequest)
      const { data, response, request_id } = await promise.withResponse()
      return [
        promise.constructor.name,
        promise instanceof Promise,
        data === (await promise),
        response.status,
        request_id,
        Reflect.get(data, '_request_id'),
        Object.keys(data),
      ]
    },
    () => Response.json(chatCompletion, { headers: { 'x-request-id': 'req_7' } }),
  ],
  [
    'a promise that is only started',
    async ({ client }) => {
      const promise = client.chat.completions.create(chatRequest)
      return (await promise.asResponse()).json()
    },
    () => Response.json(chatCompletion),
  ],
  [
    'pages, one after the other',
    async ({ client }) => {
      const ids: string[] = []
      for await (const { id } of client.chat.completions.list()) ids.push(id)
      return ids
    },
    (_, attempt) => (attempt === 1 ? page(['a', 'b'], true) : page(['c'], false)),
  ],
  [
    'pages by hand',
    async ({ client }) => {
      const first = await client.files.list()
      const second = first.hasNextPage() ? await first.getNextPage() : undefined
      const pages: number[] = []
      for await (const { data } of first.iterPages()) pages.push(data.length)
      return [first.constructor.name, first.data, second?.data, pages]
    },
    (_, attempt) => (attempt === 1 ? page(['a', 'b'], true) : page(['c'], false)),
  ],
  [
    'a file that is uploaded',
    ({ client, OpenAI }) =>
      client.files.create({ purpose: 'batch', file: new File(['line'], 'in.jsonl') }) ?? OpenAI,
  ],
  [
    'a form with text, files and lists',
    ({ client }) =>
      client.images.edit({
        model: 'gpt-image-2',
        prompt: 'ü',
        n: 2,
        image: [new File(['1'], '1.png'), new File(['2'], '2.png')],
      }),
    () => Response.json({ created: 1, data: [] }),
  ],
  [
    'something that is no file',
    ({ client }) => client.audio.transcriptions.create({ model: 'm', file: 'nope' } as never),
  ],
  [
    'bytes',
    async ({ client }) => {
      const response = await client.audio.speech.create({
        model: 'tts-1',
        voice: 'alloy',
        input: 'x',
      })
      return [
        response instanceof Response,
        response.headers.get('content-type'),
        await response.text(),
      ]
    },
    () => new Response('bytes', { headers: { 'content-type': 'audio/mpeg' } }),
  ],
  [
    'the content of a file',
    async ({ client }) => (await client.files.content('f')).text(),
    () => new Response('{"custom_id":"1"}\n', { headers: { 'content-type': 'application/jsonl' } }),
  ],
  [
    'embeddings in their default form',
    async ({ client }) =>
      (await client.embeddings.create({ model: 'm', input: 'x' })).data[0]?.embedding,
    () => {
      const embedding = Buffer.from(new Float32Array([1, 2]).buffer).toString('base64')
      return Response.json({ ...embeddingList, data: [{ index: 0, embedding }] })
    },
  ],
  [
    'output_text is put together',
    async ({ client }) => (await client.responses.create({ model: 'm', input: 'x' })).output_text,
    () => Response.json(finishedResponse),
  ],
  [
    'a schema of zod is parsed',
    async ({ client }) => {
      const { beta, chat: newer } = client as typeof client & {
        beta: { chat?: typeof client.chat }
      }
      const { parse } = beta.chat?.completions ?? newer.completions
      const format = zodResponseFormat(z.object({ a: z.number() }), 'answer')
      const owner = beta.chat?.completions ?? newer.completions
      const completion = await parse.call(owner, { ...chatRequest, response_format: format })
      return completion.choices[0]?.message
    },
    () => Response.json(chatCompletion),
  ],
  [
    'tools of zod keep their schema',
    ({ client }) =>
      client.chat.completions.create({
        ...chatRequest,
        tools: [zodFunction({ name: 'f', parameters: z.object({ a: z.string() }) })],
      } as never),
    () => Response.json(chatCompletion),
  ],
  ...[{}, [], { toJSON: () => ({ model: 'm' }) }, new Map([['a', 1]])].map((body): Expectation => [
    `a body as JSON writes it: ${Object.prototype.toString.call(body)} ${JSON.stringify(body)}`,
    ({ client }) => client.post('/chat/completions', { body }),
    () => Response.json(chatCompletion),
  ]),
  [
    'a retry that is counted, or is not where the header is taken out',
    async ({ client }) => {
      await client.chat.completions.create(chatRequest)
      const headers = { 'X-Stainless-Retry-Count': null }
      await client.chat.completions.create(chatRequest, { headers })
    },
    busy(429),
    { maxRetries: 2 },
  ],
  [
    'a timeout, and another try',
    async ({ client }) => {
      const { id } = await client.chat.completions.create(chatRequest, { timeout: 20 })
      return id
    },
    (_, attempt) =>
      attempt === 1
        ? new Promise<Response>((_resolve, reject) =>
            setTimeout(() => reject(new DOMException('timed out', 'AbortError')), 40),
          )
        : Response.json(chatCompletion),
    { maxRetries: 1 },
  ],
  ...['application/json', 'text/plain', 'text/event-stream'].map((type): Expectation => [
    `a body of ${type} that breaks while it is read`,
    async ({ client }) => {
      const answer: unknown = await client.post('/chat/completions', {
        body: chatRequest,
        stream: type === 'text/event-stream',
      })
      const items: unknown[] = []
      if (type !== 'text/event-stream') return answer
      for await (const item of answer as AsyncIterable<unknown>) items.push(item)
      return items
    },
    () => {
      const pull = (body: ReadableStreamDefaultController): void =>
        body.error(new Error('connection reset'))
      return new Response(new ReadableStream({ pull }), { headers: { 'content-type': type } })
    },
  ]),
  [
    "the caller's signal is let go when the call is over",
    async ({ client }) => {
      const { signal } = new AbortController()
      const before = getEventListeners(signal, 'abort').length
      await client.chat.completions.create(chatRequest, { signal })
      return getEventListeners(signal, 'abort').length - before
    },
    () => Response.json(chatCompletion),
  ],
  ['a missing path parameter', ({ client }) => client.batches.retrieve(undefined as never)],
  ['an id with slashes', ({ client }) => client.batches.retrieve('../a b')],
]

describe.each(sdkMajors)(
  'requests as the vendor expects of openai $major: raw and metered',
  ({ OpenAI }) => {
    test.each(requests)('%s', async (_, work, answer, options) => {
      const { raw, metered } = await sideBySide(OpenAI, work, answer, options)
      expect(metered).toEqual(raw)
    })
  },
)
