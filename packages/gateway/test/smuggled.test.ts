/** Requests that an upstream could read otherwise than the gateway has. */
import { afterAll, beforeEach, expect, test } from 'vitest'
import { headerOf, rawCall, rawReply, rawRequest, startRawUpstream } from './raw.ts'
import { startGateway, upstreamsAt } from './running.ts'

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const answer = Buffer.from(JSON.stringify({ id: 'c', model: 'gpt-5', choices: [], usage }))
let more: readonly (readonly [string, string])[] = []
const upstream = await startRawUpstream((socket) =>
  socket.write(rawReply(answer, [['Content-Type', 'application/json'], ...more])),
)
const adminKey = 'admin-key-of-the-test'
const running = await startGateway(upstream.url, {
  adminKey,
  upstreams: {
    ...upstreamsAt(upstream.url),
    vertex: { baseUrl: upstream.url, auth: 'caller', dialect: 'gemini' },
  },
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})
beforeEach(() => {
  upstream.requests.length = 0
  more = []
})

async function generate(fields: object): Promise<string> {
  const response = await fetch(`${running.url}/key/generate`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}` },
    body: JSON.stringify(fields),
  })
  return ((await response.json()) as { key: string }).key
}
const key = await generate({ customer: 'cus_1' })

type Sent = { readonly method?: string; readonly body?: string | Buffer; readonly by?: string }

async function send(
  path: string,
  headers: readonly (readonly [string, string])[] = [],
  { by = key, ...sent }: Sent = {},
) {
  const all = [...headers, ['Authorization', `Bearer ${by}`] as const]
  const reply = await rawCall(running.port, rawRequest({ path, headers: all, body: '', ...sent }))
  return { status: reply.status, said: reply.body.toString(), asked: upstream.requests.at(-1) }
}

const json = ['Content-Type', 'application/json'] as const
const chat = '/openai/v1/chat/completions'
const chatBody = '{"model":"gpt-5","messages":[]}'
const gemini = '/gemini/v1beta/models/gemini-3:generateContent'
const items = '/openai/v1/conversations'
const itemsOfFile = '{"items":[{"content":[{"type":"input_file","file_id":"file-other"}]}]}'

const boundary = 'xyz'
const form = ['Content-Type', `multipart/form-data; boundary=${boundary}`] as const
function formOf(...parts: readonly (readonly [name: string, value: string])[]): string {
  const written = parts.map(([name, value]) => {
    return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  })
  return `${written.join('')}--${boundary}--\r\n`
}

test.each([
  ['many blanks before it', `${' '.repeat(65)}${itemsOfFile}`, 404],
  ['UTF-16', Buffer.from(`\uFEFF${itemsOfFile}`, 'utf16le'), 400],
  ['no JSON', 'file-other', 400],
])('a body that names what others made is read: %s', async (_, body, status) => {
  expect(await send(items, [json], { body })).toMatchObject({ status, asked: undefined })
})

test.each([
  ['a form where JSON is asked', chat, [form]],
  ['a form of a page', chat, [['Content-Type', 'application/x-www-form-urlencoded']]],
  [
    'a type that is to be dropped',
    items,
    [
      ['Content-Type', 'application/x-www-form-urlencoded'],
      ['Connection', 'content-type'],
    ],
  ],
  ['two types', chat, [json, form]],
  ['two types in one', chat, [['Content-Type', `application/json, ${form[1]}`]]],
] as const)('the type of a body is one: %s', async (_, path, headers) => {
  const body = path === chat ? chatBody : itemsOfFile
  expect(await send(path, headers, { body })).toMatchObject({ status: 400, asked: undefined })
})

test('Connection takes nothing away of what says how a body is read', async () => {
  const connection = ['Connection', 'content-type, Content-Encoding, x-hop'] as const
  const { asked } = await send(chat, [json, connection, ['X-Hop', 'a']], { body: chatBody })
  expect(headerOf(asked as never, 'content-type')).toBe('application/json')
  expect(headerOf(asked as never, 'x-hop')).toBeUndefined()
})

test('a method is not overridden', async () => {
  const names = ['X-HTTP-Method-Override', 'x-http-method', 'X-Method-Override']
  const headers = [json, ...names.map((name) => [name, 'GET'] as const)]
  const query = '?%24httpMethod=GET&a=b&$httpHeaders=X-HTTP-Method:GET&_method=GET&$ct=text/plain'
  const { status, asked } = await send(`${chat}${query}`, headers, { body: chatBody })
  expect([status, asked?.first]).toEqual([200, 'POST /v1/chat/completions?a=b HTTP/1.1'])
  expect(asked?.headers.filter(([name]) => /method/i.test(name))).toEqual([])
})

test('no key of the gateway stands in a query that goes on, and none of the caller’s beside ours', async () => {
  const query = `?api-key=${key}&x=%20${key}&key=${key}&$key=AIza&%24key=AIza&subscription-key=1&a=b`
  expect((await send(`${chat}${query}`, [json], { body: chatBody })).asked?.first).toBe(
    'POST /v1/chat/completions?a=b HTTP/1.1',
  )
  const own = ['X-Token-Meter-Key', key] as const
  const { asked } = await send(
    `/vertex/v1beta/models/gemini-3:generateContent?key=AIza&$key=${key}`,
    [json, own],
    { body: '{"contents":[]}' },
  )
  expect(asked?.first).toBe('POST /v1beta/models/gemini-3:generateContent?key=AIza HTTP/1.1')
})

test.each([
  '?alt=proto',
  '?%24alt=proto',
  '?$alt=json&alt=media',
  '?callback=f',
  '?$callback=f',
  '?fields=candidates',
  '?$fields=candidates',
])('what would hide what was used is refused: %s', async (query) => {
  const { status, asked } = await send(`${gemini}${query}`, [json], { body: '{"contents":[]}' })
  expect([status, asked]).toEqual([400, undefined])
})

test('a field mask is refused, and what Google’s clients ask is not', async () => {
  const body = '{"contents":[]}'
  const mask = ['X-Goog-FieldMask', 'candidates'] as const
  expect(await send(gemini, [json, mask], { body })).toMatchObject({
    status: 400,
    asked: undefined,
  })
  for (const query of ['?$alt=json;enum-encoding=int', '?alt=sse', '?%24prettyPrint=false']) {
    expect((await send(`${gemini}${query}`, [json], { body })).status).toBe(200)
    expect(upstream.requests.at(-1)?.first).toContain(`generateContent${query} `)
  }
})

test.each(['/openai/v1/models/..;/files', '/openai/v1/models/..%3b/files', '/v1/models;x/files'])(
  'a path with parameters in it is refused: %s',
  async (path) => {
    expect(await send(path, [], { method: 'GET' })).toMatchObject({ status: 400, asked: undefined })
  },
)

test('an answer with long headers is one', async () => {
  more = [['X-Long', 'a'.repeat(40_000)]]
  expect((await send(chat, [json], { body: chatBody })).status).toBe(200)
})

test('a form goes where forms are taken', async () => {
  const body = formOf(['model', 'gpt-image'], ['prompt', 'x'])
  expect((await send('/openai/v1/images/edits', [form], { body })).status).toBe(200)
})

test.each([
  [chat, '{"model":"a","messages":[{"role":"user","role":"system"}]}', 'role'],
  [
    '/openai/v1/responses',
    '{"model":"a","input":[{"file_id":"file-other","f\\u0069le_id":null}]}',
    'file_id',
  ],
  [
    '/anthropic/v1/messages/batches',
    '{"requests":[{"params":{"model":"a","model":"b"}}]}',
    'model',
  ],
])('%s: what is twice in an object is refused, wherever it is', async (path, body, name) => {
  const { status, said, asked } = await send(path, [json], { body })
  expect([status, asked]).toEqual([400, undefined])
  expect(said).toContain(`\\"${name}\\" twice`)
})

test.each([
  ['video[id]', 'video_other'],
  ['video', '{"id":"video_other"}'],
  ['images[][file_id]', 'file-other'],
  ['images[0][file_id]', 'file-other'],
  ['images.file_id', 'file-other'],
  ['file_ids[]', 'file-other'],
  ['tool[vector_store_ids][0]', 'vs_other'],
  ['File_ID', 'file-other'],
])('a form names what others made: %s', async (name, value) => {
  const body = formOf(['model', 'gpt-image'], ['prompt', '{"file_id":"none"}'], [name, value])
  const { status, asked } = await send('/openai/v1/images/edits', [form], { body })
  expect([name === 'File_ID' ? 400 : 404, undefined]).toEqual([status, asked])
})

const limited = await generate({ customer: 'cus_1', models: ['cheap'] })

test.each([
  ['/openai/v1/responses', '{"prompt":{"id":"p"},"tools":[{"model":"cheap"}]}', 403],
  [chat, '{"model":"cheap","Model":"other","messages":[]}', 400],
  ['/openai/v1/batches', '{"input_file_id":"file-1","model":"cheap"}', 403],
  ['/gemini/v1beta/models/cheap/models/other:generateContent', '{"contents":[]}', 403],
  ['/gemini/v1beta/interactions', '{"agent":"other","tools":["cheap"]}', 403],
  ['/openai/v1/evals/e/runs', '{"model":"cheap","data_source":{"model":"other"}}', 403],
])('a key with models asks no other: %s %s', async (path, body, status) => {
  const { asked, ...reply } = await send(path, [json], { body, by: limited })
  expect([reply.status, asked]).toEqual([status, undefined])
})

test.each(['model"; filename="', 'model"; filename="a', 'prompt"; filename="'])(
  'a field of a form is no file: %s',
  async (name) => {
    const body = formOf([name, 'other'], ['model', 'cheap'])
    const sent = { body, by: limited }
    const { status, asked } = await send('/openai/v1/images/edits', [form], sent)
    expect([status, asked]).toEqual([400, undefined])
  },
)
