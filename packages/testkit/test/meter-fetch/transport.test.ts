import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { ReplayEvent } from '@token-meter/testkit'
import { afterEach, describe, expect, test, vi } from 'vitest'
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

afterEach(() => vi.unstubAllGlobals())

/** A server that does as it is told, on a path of a model. */
async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `${origin}/v1/chat/completions`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const what = (response: Response) => ({
  url: response.url,
  type: response.type,
  redirected: response.redirected,
  status: response.status,
  statusText: response.statusText,
  headers: [...response.headers].filter(([name]) => name !== 'date'),
  isNull: response.body === null,
  isResponse: response instanceof Response,
})

describe('the response is the one that came', () => {
  test('with its address, after a redirect too, and all else that it has', async () => {
    await using run = await startFetchRun()
    await using server = await serve((request, response) => {
      if (request.url?.includes('moved')) {
        response.writeHead(200, 'Fine', { ...json, 'x-own': 'a' }).end(JSON.stringify(chatAnswer))
      } else response.writeHead(307, { location: `${request.url}?moved` }).end()
    })
    const raw = what(await fetch(server.url, post(chat)))
    const response = await run.meter.fetch('cus_1')(server.url, post(chat))
    expect(what(response)).toEqual(raw)
    expect(raw).toMatchObject({ redirected: true, statusText: 'Fine', type: 'basic' })
    expect(await response.json()).toEqual(chatAnswer)
    expect(run.records).toMatchObject([{ tokens: chatTokens }])
  })

  test.each<[string, Buffer, Record<string, string>, object]>([
    ['whole', Buffer.from(JSON.stringify(chatAnswer)), json, chat],
    ['streamed', eventStream(chatEvents), sse.headers, streamed],
  ])('decoded: %s', async (_, body, headers, asked) => {
    await using run = await startFetchRun()
    await using server = await serve((_request, response) => {
      const packed = gzipSync(body)
      response.writeHead(200, { ...headers, 'content-encoding': 'gzip' }).end(packed)
    })
    const metered = run.meter.fetch('cus_1', { includeUsage: false })
    for (const read of ['text', 'arrayBuffer', 'blob'] as const) {
      const response = await metered(server.url, post(asked))
      expect(Buffer.from(await new Response(await response[read]()).arrayBuffer())).toEqual(body)
    }
    const record = { tokens: chatTokens, model: 'some-model-1' }
    expect(run.records).toMatchObject([record, record, record])
  })

  test.each([204, 205, 304, 'HEAD'])('without a body: %s', async (status) => {
    await using run = await startFetchRun()
    await using server = await serve((_request, response) => {
      response.writeHead(status === 'HEAD' ? 200 : Number(status), { 'x-own': 'a' }).end()
    })
    const init = status === 'HEAD' ? { method: 'HEAD' } : post(chat)
    const [raw, own] = [await fetch(server.url, init), await run.meter.fetch('c')(server.url, init)]
    expect(what(own)).toEqual(what(raw))
    expect(await own.text()).toBe(await raw.text())
    expect(run.records).toEqual([])
  })

  test.each(['whole', 'streamed'])(
    'where servers take the body from inside it is another with all of that: %s',
    async (kind) => {
      vi.stubGlobal('navigator', { userAgent: 'Deno/2.9' })
      await using run = await startFetchRun()
      const isWhole = kind === 'whole'
      run.server.serve(isWhole ? chatAnswer : eventStream(chatEvents), isWhole ? {} : sse)
      let raw: Response | undefined
      const send: typeof fetch = async (...args) => (raw = await run.anyHost(...args))
      const metered = run.meter.fetch('cus_1', { fetch: send })
      const response = await metered(known, post(isWhole ? chat : streamed))
      expect({ ...what(response), headers: 0 }).toEqual({ ...what(raw!), headers: 0 })
      expect(response).not.toBe(raw)
      // As a runtime does that knows nothing of properties.
      const inside = Reflect.get(Response.prototype, 'body', response) as ReadableStream
      const text = await new Response(inside).text()
      const visible = isWhole ? JSON.stringify(chatAnswer) : eventStream(chatEvents.slice(0, 3))
      expect(text).toBe(String(visible))
      expect(run.records).toMatchObject([{ tokens: chatTokens, outcome: 'complete' }])
    },
  )

  test('copied, it is two to read and one record', async () => {
    await using run = await startFetchRun()
    run.server.serve(eventStream(chatEvents), sse)
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost, includeUsage: false })
    const response = await metered(known, post(streamed))
    const copy = response.clone()
    expect(await copy.text()).toBe(await response.text())
    expect(run.records).toMatchObject([{ tokens: chatTokens }])
  })
})

describe('a stream is pulled', () => {
  const piece = Buffer.from(
    `data: ${JSON.stringify({ ...(chatEvents[1] as object), pad: 'x'.repeat(60_000) })}\n\n`,
  )
  const pieces = Math.ceil(100e6 / piece.length)

  test(
    'a slow reader holds the server back, and 100 MB take no memory',
    { timeout: 60_000 },
    async () => {
      await using run = await startFetchRun()
      let sent = 0
      await using server = await serve(async (_request, response) => {
        response.writeHead(200, sse.headers)
        for (; sent < pieces; sent++) {
          if (response.write(piece)) continue
          await new Promise((resolve) => response.once('drain', resolve))
        }
        response.end(eventStream(chatEvents.slice(2)))
      })
      const metered = run.meter.fetch('cus_1', { includeUsage: true })
      const response = await metered(server.url, post(streamed))
      const reader = response.body!.getReader()
      await reader.read()
      await sleep(200)
      expect(sent * piece.length).toBeLessThan(20e6)
      let read = 0
      let most = 0
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        read += value.length
        most = Math.max(most, process.memoryUsage().external)
      }
      expect(read).toBeGreaterThan(99e6)
      expect(most).toBeLessThan(80e6)
      expect(run.records).toMatchObject([{ tokens: chatTokens }])
    },
  )

  test('the caller’s abort ends it as without a meter, with a record of what was made', async () => {
    await using run = await startFetchRun()
    run.server.serve(chatEvents as ReplayEvent[], { hangAfterEvents: 2, times: 2 })
    const failures: unknown[] = []
    for (const send of [run.anyHost, run.meter.fetch('cus_1', { fetch: run.anyHost })]) {
      const aborting = new AbortController()
      const response = await send(known, { ...post(streamed), signal: aborting.signal })
      const reader = response.body!.getReader()
      await reader.read()
      aborting.abort()
      failures.push(await reader.read().catch((error: unknown) => String(error)))
    }
    expect(failures[1]).toEqual(failures[0])
    expect(run.records).toMatchObject([{ outcome: 'estimated', model: 'some-model-1' }])
  })

  test('aborted before it is answered, it is nothing', async () => {
    await using run = await startFetchRun()
    run.server.serve(chatAnswer, { delayMs: 5000, times: 2 })
    const failures: unknown[] = []
    for (const send of [run.anyHost, run.meter.fetch('cus_1', { fetch: run.anyHost })]) {
      const sent = send(known, { ...post(chat), signal: AbortSignal.timeout(50) })
      failures.push(await sent.catch((error: unknown) => String(error)))
    }
    expect(failures[1]).toEqual(failures[0])
    expect(run.records).toEqual([])
  })
})

describe('what bills', () => {
  test('of retries the one that was answered', async () => {
    await using run = await startFetchRun()
    for (const status of [429, 500]) run.server.serve({ error: {} }, { status })
    run.server.serve(chatAnswer)
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
    for (;;) {
      const response = await metered(known, post(chat))
      await response.text()
      if (response.ok) break
    }
    expect(run.server.requests).toHaveLength(3)
    expect(run.records).toMatchObject([{ tokens: chatTokens }])
  })

  test('not an error with status 200, nor a stream that begins with one', async () => {
    await using run = await startFetchRun()
    const refusal = { error: { message: 'overloaded', type: 'server_error' } }
    run.server.serve(refusal)
    run.server.serve(eventStream([refusal]), sse)
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
    expect(await (await metered(known, post(chat))).json()).toEqual(refusal)
    await (await metered(known, post(streamed))).text()
    expect(run.records).toEqual([])
  })

  test('an error inside a stream: what was made before it', async () => {
    await using run = await startFetchRun()
    const events = [...chatEvents.slice(0, 2), { error: { message: 'cut', type: 'server_error' } }]
    run.server.serve(eventStream(events, ''), sse)
    await (await run.meter.fetch('cus_1', { fetch: run.anyHost })(known, post(streamed))).text()
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
  })

  test('a background response once, for whom asked for it, however often it is looked at', async () => {
    await using run = await startFetchRun()
    const usage = { input_tokens: 3, output_tokens: 5, total_tokens: 8 }
    const created = { id: 'resp_of_fetch', object: 'response', model, background: true, output: [] }
    run.server.serve({ ...created, status: 'queued' }, { times: 2 })
    run.server.serve({ ...created, status: 'completed', usage }, { times: 2 })
    const [asking, polling] = ['cus_asking', 'cus_polling'].map((customer) =>
      run.meter.fetch(customer, { fetch: run.anyHost }),
    )
    const address = 'https://api.openai.com/v1/responses'
    await (await asking!(address, post({ model, input: 'x', background: true }))).json()
    for (let poll = 0; poll < 3; poll++) {
      await (await polling!(`${address}/resp_of_fetch`)).json()
    }
    expect(run.records).toMatchObject([
      { customer: 'cus_asking', endpoint: 'responses', tokens: { input: 3, output: 5 } },
    ])
  })

  test('a batch by its totals, once', async () => {
    await using run = await startFetchRun()
    const batch = { id: 'batch_of_fetch', object: 'batch', endpoint: '/v1/responses', model }
    const usage = { input_tokens: 30, output_tokens: 50, total_tokens: 80 }
    run.server.serve({ ...batch, status: 'validating' })
    run.server.serve({ ...batch, status: 'completed', usage }, { times: 2 })
    const metered = run.meter.fetch('cus_1', { fetch: run.anyHost })
    const address = 'https://api.openai.com/v1/batches'
    await (await metered(address, post({ input_file_id: 'f', endpoint: '/v1/responses' }))).json()
    for (let poll = 0; poll < 2; poll++) await (await metered(`${address}/batch_of_fetch`)).json()
    expect(run.records).toMatchObject([{ endpoint: 'batches', tokens: { input: 30, output: 50 } }])
  })
})
