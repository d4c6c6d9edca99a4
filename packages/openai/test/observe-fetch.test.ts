import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { observeBody, type Provider, RequestContext } from '@token-meter/core/adapter'
import { httpHeaders, requestHeaders } from '@token-meter/core/adapter'
import type { WireRequest } from '@token-meter/core/wire'
import { startReplayServer } from '@token-meter/testkit'
import type { Recording } from '@token-meter/testkit/internal'
import { describeFetch } from '@token-meter/testkit/internal/suites'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { createMeter, memoryOutbox, openaiProvider, type UsageRecord } from '../src/index.ts'
import { openaiJobsWire } from '../src/wire-jobs.ts'
import { chatRequest, chatScript, countedTokens } from './scripts.ts'

async function start() {
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    onError: () => {},
  })
  meter.on('usage', (record) => void records.push(record))
  return {
    server,
    meter,
    records,
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}

const paths: Readonly<Record<string, string>> = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  responses: '/v1/responses',
  embeddings: '/v1/embeddings',
}

const asked = ({ stream }: Recording) => ({
  model: 'asked',
  messages: [{ role: 'user', content: 'hi' }],
  input: 'hi',
  prompt: 'hi',
  ...(stream && { stream }),
})

describeFetch({
  provider: openaiProvider as Provider,
  recorded: 'openai',
  async askBySdk(meter, baseUrl, recording) {
    const raw = new OpenAI({ apiKey: 'k', baseURL: baseUrl, maxRetries: 0 })
    const { stream, endpoint } = recording
    const client = meter(raw, 'cus_1')
    const answer = await client.post<unknown>(paths[endpoint]!, { body: asked(recording), stream })
    if (stream) for await (const _ of answer as AsyncIterable<unknown>);
  },
  request: (recording) => ({ path: paths[recording.endpoint]!, body: asked(recording) }),
})

describe('a metered fetch', () => {
  const post = (body: BodyInit) => ({ method: 'POST', body })
  const streamed = { ...chatRequest, stream: true }
  const text = JSON.stringify(streamed)
  const sends: readonly (readonly [string, (url: string) => Parameters<typeof fetch>])[] = [
    ['text', (url) => [url, post(text)]],
    ['a URL', (url) => [new URL(url), post(text)]],
    ['bytes', (url) => [url, post(Buffer.from(text))]],
    ['an ArrayBuffer', (url) => [url, post(new TextEncoder().encode(text).buffer)]],
    ['a Request', (url) => [new Request(url, post(text))]],
    ['a Request and options', (url) => [new Request(url, { method: 'POST' }), { body: text }]],
    [
      'a length of its own',
      (url) => [url, { ...post(text), headers: { 'Content-Length': String(text.length) } }],
    ],
  ]

  test.each(sends)('%s: asked for its usage, which is hidden byte for byte', async (_, args) => {
    await using run = await start()
    run.server.serve(chatScript, { times: 2 })
    const url = `${run.server.url}/v1/chat/completions`
    const raw = await (await fetch(...args(url))).text()
    const response = await run.meter.fetch('cus_1')(...args(url))
    expect(response).toBeInstanceOf(Response)
    expect(await response.text()).toBe(
      raw.replace(/data: \{[^\n]*"choices":\[\][^\n]*\n\n/, '').replaceAll(',"usage":null', ''),
    )
    expect(run.server.requests[1]?.body).toEqual({
      ...streamed,
      stream_options: { include_usage: true },
    })
    expect(run.records).toMatchObject([{ tokens: countedTokens, customer: 'cus_1' }])
  })

  test('refused by the server: sent again without it, once, and remembered', async () => {
    await using run = await start()
    const url = `${run.server.url}/refused/v1/chat/completions`
    run.server.serve({ error: { message: 'stream_options: not permitted' } }, { status: 400 })
    run.server.serve(chatScript, { times: 2 })
    const metered = run.meter.fetch('cus_1')
    for (const input of [new Request(url, post(text)), url]) {
      const response = await metered(input, input === url ? post(text) : undefined)
      expect(response.status).toBe(200)
      await response.text()
    }
    const asked = run.server.requests.map(({ rawBody }) => rawBody.includes('include_usage'))
    expect(asked).toEqual([true, false, false])
    expect(run.records.map(({ outcome }) => outcome)).toEqual(['estimated', 'estimated'])
  })

  test("an error is the caller's, with its body, and not billed", async () => {
    await using run = await start()
    const refusal = { error: { message: 'messages: too long' } }
    run.server.serve(refusal, { status: 400 })
    const url = `${run.server.url}/v1/chat/completions`
    const response = await run.meter.fetch('cus_1')(url, post(text))
    expect([response.status, await response.json()]).toEqual([400, refusal])
    expect(run.server.requests).toHaveLength(1)
    expect(run.records).toEqual([])
  })

  test('what is no operation is the same request, and the same response', async () => {
    await using run = await start()
    const answered = new Response('{}')
    const seen: unknown[] = []
    const own = (...args: unknown[]) => (seen.push(...args), Promise.resolve(answered))
    const request = new Request(`${run.server.url}/v1/models`, { method: 'POST', body: '{}' })
    const init = {}
    expect(await run.meter.fetch('cus_1', { fetch: own })(request, init)).toBe(answered)
    expect(seen[0]).toBe(request)
    expect(seen[1]).toBe(init)
    expect(request.bodyUsed).toBe(false)
    expect(run.records).toEqual([])
  })

  test('a stream is pulled, never read ahead, and one that is left is one record', async () => {
    await using run = await start()
    run.server.serve(chatScript, { hangAfterEvents: 2 })
    const url = `${run.server.url}/v1/chat/completions`
    const response = await run.meter.fetch('cus_1')(url, post(text))
    const reader = response.body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('data: {')
    expect(run.records).toEqual([])
    await reader.cancel()
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
  })
})

test('a proxy of Node streams passes every byte on, and records the same', async () => {
  await using run = await start()
  run.server.serve(chatScript, { times: 2 })
  const body = JSON.stringify({ ...chatRequest, stream: true })
  const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } }
  const path = '/v1/chat/completions'

  // The observer of a proxy's meter, as its provider gets it.
  const proxyProvider: Provider<{ proxy: boolean; listen?: () => Promise<string> }> = {
    name: 'proxy',
    clientDescription: 'a proxy',
    recognises: (client): client is { proxy: boolean } => 'proxy' in client,
    observe: (client, observer) => ({
      ...client,
      listen: () =>
        new Promise((resolve) => {
          const proxy = createServer(async (incoming, outgoing) => {
            const pieces: Buffer[] = []
            for await (const piece of incoming) pieces.push(piece as Buffer)
            const sent = Buffer.concat(pieces)
            const request: WireRequest = {
              method: incoming.method!,
              url: incoming.url!,
              headers: requestHeaders(incoming.headers),
              body: sent,
            }
            const target = { baseUrl: undefined, provider: 'openai' }
            const context = new RequestContext(openaiJobsWire, observer, target)
            const operation = openaiJobsWire.open(request, context)
            if (operation === undefined || !('endpoint' in operation))
              throw new Error('no operation')
            const call = context.begin(operation, request.method)
            const upstream = httpRequest(run.server.url + incoming.url, { method: 'POST' })
            upstream.end(operation.rewrite?.apply(sent) ?? sent)
            upstream.on('response', (answer) => {
              call.headers = httpHeaders(answer.headers)
              const observed = observeBody(call, answer.headers['content-type'] ?? '')
              outgoing.writeHead(answer.statusCode!, answer.headers)
              answer.on('data', (piece: Buffer) => void outgoing.write(observed.push(piece)))
              answer.on('end', () => void outgoing.end(observed.finish()))
            })
          }).listen(0, '127.0.0.1', () => {
            proxy.unref()
            resolve(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
          })
        }),
    }),
  }
  const records: UsageRecord[] = []
  await using meter = createMeter({ providers: [proxyProvider], outbox: memoryOutbox() })
  meter.on('usage', (record) => void records.push(record))
  const url = await meter({ proxy: true } as Parameters<typeof proxyProvider.observe>[0], 'cus_1')
    .listen!()
  const raw = await (await fetch(run.server.url + path, init)).text()
  const proxied = await (await fetch(url + path, init)).text()
  expect(proxied).toBe(
    raw.replace(/data: \{[^\n]*"choices":\[\][^\n]*\n\n/, '').replaceAll(',"usage":null', ''),
  )
  expect(records).toMatchObject([{ tokens: countedTokens, provider: 'openai', customer: 'cus_1' }])
  expect(records[0]?.requestId).toMatch(/^req_/)
})
