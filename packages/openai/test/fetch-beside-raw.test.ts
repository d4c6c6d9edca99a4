/** What a metered `fetch` shows beside the raw one, for any request and any answer. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMeter, memoryOutbox, openaiProvider, type Provider } from '../src/index.ts'
import { chatCompletion, chatScript } from './scripts.ts'
import { close, listen, origin, type Script, scripts, seen } from './echo-server.ts'

const unhandled: unknown[] = []
const onUnhandled = (reason: unknown): void => void unhandled.push(reason)

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled)
  await listen()
})

afterAll(async () => {
  process.off('unhandledRejection', onUnhandled)
  await close()
})

/** An error in words. */
function wordsOf(error: unknown): unknown {
  if (!(error instanceof Error)) return { thrown: String(error) }
  const { name, message, cause } = error
  return { name, message, cause: (cause as { code?: unknown } | undefined)?.code }
}

async function outcome(work: () => unknown): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    return wordsOf(error)
  }
}

const hex = (bytes: Uint8Array | ArrayBuffer): string =>
  Buffer.from(bytes as ArrayBuffer).toString('latin1')

async function drained(body: ReadableStream<Uint8Array>): Promise<unknown> {
  const pieces: Uint8Array[] = []
  const failure = await outcome(async () => {
    for await (const piece of body) pieces.push(piece)
  })
  return shown(pieces, failure)
}

const shown = (pieces: readonly Uint8Array[], failure: unknown) =>
  failure === undefined ? hex(Buffer.concat(pieces)) : failure

/** Ways to read a response, each with what it shows. */
const ways: Record<string, (response: Response) => unknown> = {
  text: (response) => response.text(),
  json: (response) => response.json(),
  arrayBuffer: async (response) => hex(await response.arrayBuffer()),
  blob: async (response) => {
    const blob = await response.blob()
    return [blob.type, blob.size, hex(await blob.arrayBuffer())]
  },
  formData: async (response) => [...(await response.formData())],
  iterate: (response) => (response.body === null ? null : drained(response.body)),
  reader: async (response) => {
    const reader = response.body?.getReader()
    const read = reader?.read()
    const said = await outcome(() => response.text())
    const first = await outcome(async () => (await read)?.done)
    return [said, first, response.body?.locked, await outcome(() => reader?.cancel('enough'))]
  },
  locked: async (response) => {
    const reader = response.body?.getReader()
    const shown = [response.bodyUsed, response.body?.locked]
    const said = await outcome(() => response.text())
    const copied = await outcome(() => response.clone().status)
    reader?.releaseLock()
    return [shown, said, copied, await outcome(() => response.text())]
  },
  byob: async (response) => {
    const reader = response.body?.getReader({ mode: 'byob' })
    let said = ''
    for (;;) {
      const read = await reader?.read(new Uint8Array(7))
      if (read === undefined || read.done) return [said, read?.value?.byteLength]
      said += hex(read.value)
    }
  },
  tee: async (response) => {
    const [one, two] = response.body?.tee() ?? []
    const used = [response.bodyUsed, response.body?.locked]
    if (one === undefined || two === undefined) return used
    return [used, await Promise.all([drained(one), drained(two)])]
  },
  clone: async (response) => {
    const copy = response.clone()
    const used = [response.bodyUsed, copy.bodyUsed, copy.status, copy.url, copy.type]
    return [used, await outcome(() => copy.text()), await outcome(() => response.text())]
  },
  cloneOfBody: async (response) => {
    const { body } = response
    const copy = response.clone()
    return [body === null, await outcome(() => copy.text()), await outcome(() => response.text())]
  },
  cloneLeft: async (response) => {
    const copy = response.clone()
    void copy.body?.cancel()
    return outcome(() => response.text())
  },
  pipeTo: async (response) => {
    const pieces: Uint8Array[] = []
    const to = new WritableStream<Uint8Array>({ write: (piece) => void pieces.push(piece) })
    const failure = await outcome(() => response.body?.pipeTo(to))
    return shown(pieces, failure)
  },
  pipeThrough: async (response) => {
    let said = ''
    const text = response.body?.pipeThrough(new TextDecoderStream() as never)
    const failure = await outcome(async () => {
      for await (const piece of (text ?? []) as AsyncIterable<string>) said += piece
    })
    return failure ?? said
  },
  wrapped: (response) => new Response(response.body, response).text(),
  cancel: async (response) => [await outcome(() => response.body?.cancel('enough'))],
  breaking: async (response) => {
    for await (const _ of response.body ?? []) break
    return response.bodyUsed
  },
}

const traits = (response: Response) => ({
  status: response.status,
  statusText: response.statusText,
  ok: response.ok,
  redirected: response.redirected,
  type: response.type,
  url: response.url.replace(/script=\w+/, ''),
  headers: [...response.headers],
  isNull: response.body === null,
  used: response.bodyUsed,
  keys: Object.keys(response),
  tag: String(response),
  isResponse: response instanceof Response && response.constructor === Response,
})

async function observe(send: typeof fetch, ask: Ask, way: string): Promise<object> {
  unhandled.length = 0
  const observed = await observedBy(send, ask, way)
  await new Promise((resolve) => setImmediate(resolve))
  return { ...observed, unhandled: unhandled.map(wordsOf) }
}

async function observedBy(send: typeof fetch, ask: Ask, way: string): Promise<object> {
  seen.length = 0
  const args = ask()
  const sent = await outcome(() => send(...args))
  const given = args[0] instanceof Request ? args[0].bodyUsed : undefined
  if (!(sent instanceof Response)) return { sent, given, seen: [...seen] }
  const before = traits(sent)
  const read = await outcome(() => (ways[way] as (typeof ways)[string])(sent))
  const again = await outcome(() => sent.text())
  return { before, read, given, used: sent.bodyUsed, again, seen: [...seen] }
}

type Ask = () => Parameters<typeof fetch>

const chat = { model: 'some-model', messages: [{ role: 'user', content: 'hi ü' }] }
const events = chatScript.map((event) => JSON.stringify(event))

const bodies = fc.oneof(
  fc.constantFrom(
    Buffer.from(JSON.stringify(chatCompletion)),
    Buffer.from(`\uFEFF${JSON.stringify(chatCompletion)}`),
    Buffer.from(`${JSON.stringify(chatCompletion)} trailing`),
    Buffer.from(JSON.stringify([chatCompletion, chatCompletion])),
    Buffer.from(''),
    Buffer.from('a=1&b=2'),
    Buffer.from(events.join('\n')),
    Buffer.from([0xff, 0xfe, 0, 0x80, 0xc3]),
  ),
  fc
    .record({
      end: fc.constantFrom('\n', '\r\n', '\r'),
      start: fc.constantFrom('', '\uFEFF', ': hello\n\n', '\n\n'),
      space: fc.constantFrom('', ' '),
      last: fc.constantFrom(
        'data: [DONE]\n\n',
        '',
        'data: {"error":{"message":"x"}}\n\n',
        'garbage',
      ),
    })
    .map(({ end, start, space, last }) =>
      Buffer.from(start + events.map((e) => `data:${space}${e}${end}${end}`).join('') + last),
    ),
)

const answers: fc.Arbitrary<Script> = fc
  .record({
    status: fc.constantFrom(200, 200, 200, 200, 201, 204, 205, 304, 400, 429, 500),
    type: fc.constantFrom(
      'application/json',
      'text/event-stream',
      'text/event-stream; charset=utf-8',
      'application/x-ndjson',
      'application/vnd.amazon.eventstream',
      'application/x-www-form-urlencoded',
      'audio/mpeg',
      undefined,
    ),
    body: bodies,
    pieces: fc.integer({ min: 1, max: 30 }),
    encoding: fc.constantFrom('gzip' as const, 'br' as const, undefined, undefined),
    end: fc.constantFrom(
      'whole' as const,
      'whole' as const,
      'whole' as const,
      'cut' as const,
      'short' as const,
    ),
    redirect: fc.boolean(),
  })
  .map((script) =>
    [204, 205, 304].includes(script.status) ? { ...script, end: 'whole' as const } : script,
  )

const text = JSON.stringify(chat)
const streamedText = JSON.stringify({ ...chat, stream: true })
const json = { 'content-type': 'application/json' }
const form = () => {
  const made = new FormData()
  made.set('model', 'some-model')
  made.set('file', new Blob(['abc']), 'a.wav')
  return made
}
async function* iterated() {
  yield Buffer.from(text)
}
const payloads: Record<string, () => RequestInit> = {
  text: () => ({ body: text, headers: json }),
  streamed: () => ({ body: streamedText, headers: json }),
  'text without type': () => ({ body: text }),
  'headers object': () => ({ body: text, headers: new Headers({ ...json, 'X-Own': 'ü' }) }),
  pairs: () => ({
    body: text,
    headers: [
      ['Content-Type', 'application/json'],
      ['x-own', '1'],
    ],
  }),
  bytes: () => ({ body: Buffer.from(text), headers: json }),
  buffer: () => ({ body: new Uint8Array(Buffer.from(text)).buffer, headers: json }),
  view: () => ({ body: new DataView(new Uint8Array(Buffer.from(text)).buffer), headers: json }),
  blob: () => ({ body: new Blob([text], { type: 'application/json' }) }),
  form: () => ({ body: form() }),
  params: () => ({ body: new URLSearchParams({ model: 'm', prompt: 'x' }) }),
  stream: () => ({ body: new Blob([text]).stream(), duplex: 'half', headers: json }) as RequestInit,
  iterable: () => ({ body: iterated() as never, duplex: 'half', headers: json }) as RequestInit,
  none: () => ({}),
  'bad stream': () =>
    ({
      body: new ReadableStream({
        pull() {
          throw new RangeError('no more')
        },
      }),
      duplex: 'half',
      headers: json,
    }) as RequestInit,
}

const aborted = AbortSignal.abort(new RangeError('no'))

const asks = fc
  .record({
    path: fc.constantFrom(
      '/v1/chat/completions',
      '/v1/responses',
      '/v1/completions',
      '/v1/audio/speech',
      '/v1/audio/transcriptions',
      '/v1/embeddings',
      '/v1/other',
    ),
    method: fc.constantFrom(
      'POST',
      'POST',
      'POST',
      'post',
      'GET',
      'HEAD',
      'PUT',
      'PATCH',
      'DELETE',
    ),
    payload: fc.constantFrom(...Object.keys(payloads)),
    form: fc.constantFrom('string', 'url', 'request', 'request and init', 'request of init'),
    redirect: fc.constantFrom('follow', 'manual', 'error', undefined),
    signal: fc.constantFrom('aborted', 'open', undefined, undefined),
    keepalive: fc.boolean(),
  })
  .map((asked) => (script: string): Parameters<typeof fetch> => {
    const url = `${origin()}${asked.path}?script=${script}`
    const { payload, method, redirect, signal } = asked
    const own = (payloads[payload] as () => RequestInit)()
    const init: RequestInit = {
      method,
      ...own,
      ...(redirect === undefined ? {} : { redirect: redirect as RequestRedirect }),
      // A form that is aborted is an unhandled error of the raw one, in some versions of Node.
      ...(signal === 'aborted' && payload !== 'form' && { signal: aborted }),
      ...(signal === 'open' && { signal: new AbortController().signal }),
      ...(asked.keepalive && { keepalive: true }),
    }
    // A stream in a `Request` is read before it is sent, which its server sees.
    const isStream = 'duplex' in own
    if (asked.form === 'string' || isStream) return [url, init]
    if (asked.form === 'url') return [new URL(url), init]
    if (asked.form === 'request') return [new Request(url, init)]
    if (asked.form === 'request and init') {
      return [new Request(url, init), { headers: { 'x-own': 'of init' } }]
    }
    return [new Request(url, { method: 'PUT', body: 'other' }), init]
  })

type AskFor = (script: string) => Parameters<typeof fetch>

/** Where a body is cut, how much of it comes is chance: these show it, or read on. */
const showsPart = new Set(['reader', 'locked', 'byob', 'breaking', 'cancel'])

test('a metered fetch shows what the raw one shows', { timeout: 120_000 }, async () => {
  await using meter = createMeter({
    providers: [openaiProvider as Provider],
    outbox: memoryOutbox(),
    onError: () => {},
  })
  const metered = meter.fetch('cus_1', { includeUsage: false })
  const property = fc.asyncProperty(asks, answers, fc.constantFrom(...Object.keys(ways)), compare)
  let count = 0
  async function compare(args: AskFor, answer: Script, way: string): Promise<void> {
    const id = `s${count++}`
    scripts.set(id, showsPart.has(way) ? { ...answer, end: 'whole' } : answer)
    let raw: object
    try {
      raw = await observe(fetch, () => args(id), way)
    } catch {
      // Nobody can make such a request.
      return
    }
    expect(await observe(metered, () => args(id), way)).toEqual(raw)
    scripts.delete(id)
  }
  await fc.assert(property, { numRuns: Number(process.env['RUNS'] ?? 200), endOnFailure: true })
})
