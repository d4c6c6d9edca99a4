import { describe, expect, test } from 'vitest'
import {
  chatAnswer,
  chatEvents,
  chatTokens,
  eventStream,
  messages,
  post,
  sse,
  startFetchRun,
} from './fetch-run.ts'

const model = 'some-model'
const chat = { model, messages }
const streamed = { ...chat, stream: true }
const known = 'https://api.openai.com/v1/chat/completions'
const json = { 'content-type': 'application/json' }

describe('what is sent', () => {
  const body = JSON.stringify(chat)
  const length = String(body.length)
  const request = (url: string, init: RequestInit = {}) =>
    new Request(url, { method: 'POST', body, headers: json, ...init })

  const ways: readonly (readonly [string, (url: string) => Parameters<typeof fetch>])[] = [
    ['text', (url) => [url, post(chat)]],
    [
      'a length of its own',
      (url) => [url, { ...post(chat), headers: { 'Content-Length': length } }],
    ],
    ['pairs of headers', (url) => [url, { ...post(chat), headers: [['x-own', 'a']] }]],
    ['a URL and bytes', (url) => [new URL(url), { method: 'POST', body: Buffer.from(body) }]],
    [
      'a part of a buffer',
      (url) => [url, { method: 'POST', body: Buffer.from(`..${body}`).subarray(2) }],
    ],
    ['a Request', (url) => [request(url)]],
    [
      'a Request with a length',
      (url) => [request(url, { headers: { ...json, 'content-length': length } })],
    ],
    ['a Request and headers', (url) => [request(url), { headers: { 'x-own': 'a' } }]],
    [
      'a Request and headers with a length',
      (url) => [request(url), { headers: { ...json, 'content-length': length } }],
    ],
    ['a Request and a signal', (url) => [request(url), { signal: new AbortController().signal }]],
    ['a Request and no body of its own', (url) => [request(url), { body: null }]],
    ['a Request without a body, and one', (url) => [new Request(url), post(chat)]],
    ['a Request with another body', (url) => [request(url, { body: '{}' }), { body }]],
    [
      'a Request of the wrong method',
      (url) => [request(url, { method: 'PUT' }), { method: 'POST' }],
    ],
    ['a lower-case method', (url) => [url, { ...post(chat), method: 'post' }]],
  ]

  const sentTo = (run: Awaited<ReturnType<typeof startFetchRun>>) =>
    run.server.requests.map(({ method, url, headers, rawBody }) => ({
      method,
      url,
      headers: { ...headers, host: undefined },
      rawBody,
    }))

  test.each(ways)(
    '%s: the same request as without a meter, and the same Request left',
    async (_, args) => {
      await using run = await startFetchRun()
      run.server.serve(chatAnswer, { times: 2 })
      const url = `${run.server.url}/v1/chat/completions`
      const [raw, own] = [args(url), args(url)]
      expect((await fetch(...raw)).ok).toBe(true)
      const response = await run.meter.fetch('cus_1')(...own)
      expect(await response.json()).toEqual(chatAnswer)
      const [first, second] = sentTo(run)
      expect(second).toEqual(first)
      if (own[0] instanceof Request && raw[0] instanceof Request) {
        expect(own[0].bodyUsed).toBe(raw[0].bodyUsed)
      }
      expect(run.records).toMatchObject([{ tokens: chatTokens, requestedModel: model }])
    },
  )

  const lengthless = ways.filter(([name]) => !name.includes('length'))

  test.each(lengthless)('%s: asked for its usage, nothing else of it changes', async (_, args) => {
    await using run = await startFetchRun()
    run.server.serve(eventStream(chatEvents), { ...sse, times: 2 })
    const url = `${run.server.url}/v1/chat/completions`
    const own = args(url).map((each) =>
      each instanceof Request && each.body !== null
        ? new Request(each, { method: each.method, body: JSON.stringify(streamed) })
        : each,
    ) as unknown as Parameters<typeof fetch>
    const init = own[1]
    if (init?.body) {
      const isBytes = typeof init.body !== 'string'
      const asked = JSON.stringify(streamed)
      own[1] = { ...init, body: isBytes ? Buffer.from(asked) : asked }
    }
    const response = await run.meter.fetch('cus_1')(...own)
    expect(await response.text()).toBe(String(eventStream(chatEvents.slice(0, 3))))
    expect(run.server.requests[0]?.body).toEqual({
      ...streamed,
      stream_options: { include_usage: true },
    })
    expect(run.records).toMatchObject([{ tokens: chatTokens, outcome: 'complete' }])
  })

  test.each<[string, (url: string, text: string) => Parameters<typeof fetch>]>([
    [
      'in init',
      (url, text) => [
        url,
        { method: 'POST', body: text, headers: { 'content-length': `${text.length}` } },
      ],
    ],
    [
      'in init, with a Request',
      (url, text) => [
        new Request(url, { method: 'POST', body: text, headers: json }),
        { headers: { ...json, 'content-length': `${text.length}` } },
      ],
    ],
    [
      'in a Request',
      (url, text) => [
        new Request(url, {
          method: 'POST',
          body: text,
          headers: { 'content-length': `${text.length}` },
        }),
      ],
    ],
  ])('a length that is stated %s follows the body', async (_, args) => {
    await using run = await startFetchRun()
    run.server.serve(eventStream(chatEvents), sse)
    const url = `${run.server.url}/v1/chat/completions`
    await (await run.meter.fetch('cus_1')(...args(url, JSON.stringify(streamed)))).text()
    const [sent] = run.server.requests
    expect(Number(sent?.headers['content-length'])).toBe(sent?.rawBody.length)
    expect(run.records).toMatchObject([{ tokens: chatTokens }])
  })

  test('a body that streams is sent as it comes, and the model is that of the answer', async () => {
    await using run = await startFetchRun()
    run.server.serve(chatAnswer)
    const parts = [body.slice(0, 10), body.slice(10)]
    let pulled = 0
    let before: number | undefined
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const part = parts[pulled++]
          if (part === undefined) controller.close()
          else controller.enqueue(new TextEncoder().encode(part))
        },
      },
      { highWaterMark: 0 },
    )
    const send: typeof fetch = (input, init) => {
      before = pulled
      expect(init?.body).toBe(source)
      return run.anyHost(input, init)
    }
    const init = { method: 'POST', body: source, duplex: 'half' } as RequestInit
    await (await run.meter.fetch('cus_1', { fetch: send })(known, init)).json()
    expect(before).toBe(0)
    expect(run.server.requests[0]?.body).toEqual(chat)
    expect(run.records).toMatchObject([
      { model: 'some-model-1', requestedModel: null, tokens: chatTokens },
    ])
  })

  test('a form has its model in a field, and goes out as it is', async () => {
    await using run = await startFetchRun()
    const heard = { text: 'Hello.', usage: { type: 'tokens', input_tokens: 3, output_tokens: 5 } }
    run.server.serve(heard, { times: 2 })
    const form = new FormData()
    form.append('model', 'gpt-4o-transcribe')
    form.append('file', new Blob(['sound'], { type: 'audio/wav' }), 'a.wav')
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
    const address = 'https://api.openai.com/v1/audio/transcriptions'
    await (await metered(address, { method: 'POST', body: form })).json()
    await (await metered(new Request(address, { method: 'POST', body: form }))).json()
    for (const { headers, rawBody } of run.server.requests) {
      const [, boundary] = /boundary=(.*)/.exec(String(headers['content-type'])) ?? []
      expect(rawBody).toContain(`--${boundary}--`)
      expect(rawBody).toContain('sound')
    }
    expect(run.records).toMatchObject([
      { model: 'gpt-4o-transcribe', tokens: { input: 3, output: 5 } },
      { tokens: { input: 3, output: 5 } },
    ])
  })

  test('what is for nobody goes through as the very objects, in the same turn', async () => {
    await using run = await startFetchRun()
    const answered = Promise.resolve(new Response('{}'))
    const seen: unknown[][] = []
    const send: typeof fetch = (...args) => {
      seen.push(args)
      return answered
    }
    const metered = run.meter.fetch('cus_1', { fetch: send })
    const input = new Request('https://api.openai.com/v1/files', { method: 'POST', body: '{}' })
    const init = {}
    for (const args of [[input, init], ['data:,'], ['https://example.com/'], ['no url']] as const) {
      expect(metered(...(args as unknown as Parameters<typeof fetch>))).toBe(answered)
      expect(seen.at(-1)).toEqual(args)
      expect(seen.at(-1)?.[0]).toBe(args[0])
    }
    expect(input.bodyUsed).toBe(false)
  })
})
