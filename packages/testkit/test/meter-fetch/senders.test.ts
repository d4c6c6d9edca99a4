import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import OpenAI from 'openai'
import {
  chatAnswer,
  chatEvents,
  chatTokens,
  eventStream,
  everyProvider,
  messages,
  post,
  sse,
  startFetchRun,
} from './fetch-run.ts'

const model = 'some-model'
const url = 'https://api.openai.com/v1/chat/completions'
const chat = { model, messages }
const streamed = { ...chat, stream: true }
const visible = String(eventStream(chatEvents.slice(0, 3)))

describe('what an application sends by', () => {
  test.each(['pooled buffers', 'one piece again and again'])(
    'answers of its own making: %s',
    async (kind) => {
      await using run = await startFetchRun()
      const again = new TextEncoder().encode(': ping\n\n')
      const pieces =
        kind === 'pooled buffers'
          ? [
              Buffer.from(': ping\n\n'),
              Buffer.from(': ping\n\n'),
              Buffer.from(String(eventStream(chatEvents))),
            ]
          : [again, again, again, new TextEncoder().encode(String(eventStream(chatEvents)))]
      const send = async () =>
        new Response(
          new ReadableStream({
            start(c) {
              for (const p of pieces) c.enqueue(p)
              c.close()
            },
          }),
          sse,
        )
      const expected = ': ping\n\n'.repeat(pieces.length - 1)
      for (const options of [{}, { includeUsage: false }]) {
        const response = await run.meter.fetch('cus_1', { fetch: send, ...options })(
          url,
          post(streamed),
        )
        let said = ''
        for await (const piece of response.body!) said += Buffer.from(piece)
        expect(said).toBe(
          expected + ('includeUsage' in options ? String(eventStream(chatEvents)) : visible),
        )
      }
      expect(again.length).toBe(8)
      expect(run.records).toMatchObject([{ tokens: chatTokens }, { tokens: chatTokens }])
      expect(run.said).toEqual([])
    },
  )

  test('the headers have the form that they were written in', async () => {
    await using run = await startFetchRun()
    run.server.serve(eventStream(chatEvents), { ...sse, times: 3 })
    const metered = run.meter.fetch('cus_1', {
      fetch: (input, init) =>
        run.anyHost(input, { ...init, headers: { ...(init?.headers as object), 'x-proxy': '1' } }),
    })
    const init = post(streamed)
    for (const headers of [
      init.headers,
      { ...init.headers, 'Content-Length': String(String(init.body).length) },
    ]) {
      await (
        await metered(url, { ...init, headers: { ...headers, authorization: 'Bearer k' } as never })
      ).text()
    }
    expect(run.server.requests).toHaveLength(2)
    for (const { headers, rawBody } of run.server.requests)
      expect([headers['authorization'], headers['content-length']]).toEqual([
        'Bearer k',
        String(rawBody.length),
      ])
  })

  test('an error whose body goes on is the caller’s at once', { timeout: 5000 }, async () => {
    await using run = await startFetchRun()
    for (const status of [429, 400]) {
      const send = async () =>
        new Response(
          new ReadableStream({
            start(c) {
              c.enqueue(Buffer.from('wait'))
            },
          }),
          { status },
        )
      const response = await run.meter.fetch('cus_1', { fetch: send })(url, post(streamed))
      expect(response.status).toBe(status)
      const reader = response.body!.getReader()
      expect(String(Buffer.from((await reader.read()).value!))).toBe('wait')
      void reader.cancel()
    }
  })

  test.each([200, 400])('answers with the least that a client needs: %s', async (status) => {
    await using run = await startFetchRun()
    const least = { ok: status === 200, status, json: async () => chatAnswer }
    const send = async () => least as never
    for (const body of [chat, streamed]) {
      const response = await run.meter.fetch('cus_1', { fetch: send })(url, post(body))
      expect(await response.json()).toBe(chatAnswer)
    }
    expect(run.said).toEqual(['a call could not be observed', 'a call could not be observed'])
  })

  test('pieces of text', async () => {
    await using run = await startFetchRun()
    const send = async () =>
      new Response(
        new ReadableStream({
          start(c) {
            c.enqueue('data: x\n\n')
            c.close()
          },
        }),
        sse,
      )
    const response = await run.meter.fetch('cus_1', { fetch: send })(url, post(streamed))
    const { value } = await response.body!.getReader().read()
    expect(value).toBe('data: x\n\n')
  })
})

test('a client that is metered for somebody is not refused by the fetch inside that knows nobody', async () => {
  await using run = await startFetchRun(everyProvider, { onMissingCustomer: 'throw' })
  run.server.serve(chatAnswer)
  const fetch = run.meter.fetch(() => undefined, { fetch: run.anyHost })
  const client = run.meter(new OpenAI({ apiKey: 'k', maxRetries: 0, fetch }), 'cus_1')
  await client.chat.completions.create({ model, messages: messages as never })
  expect(run.records).toMatchObject([{ customer: 'cus_1' }])
})

test('a Request whose body never ends, aborted', { timeout: 5000 }, async () => {
  await using run = await startFetchRun()
  const aborting = new AbortController()
  const request = new Request(url, {
    method: 'POST',
    duplex: 'half',
    signal: aborting.signal,
    headers: { 'content-type': 'application/json' },
    body: new ReadableStream({
      async pull() {
        await sleep(1e6)
      },
    }),
  } as never)
  const sent = run.meter.fetch('cus_1', { fetch: run.anyHost })(request)
  setTimeout(() => aborting.abort(), 50)
  await expect(sent).rejects.toThrow(/abort/)
})

describe('at a host that nobody knows', () => {
  const form = () => {
    const made = new FormData()
    made.append('model', 'whisper-large')
    made.append('file', new Blob(['sound'], { type: 'audio/wav' }), 'a.wav')
    return made
  }
  const address = 'http://speech.internal.example/v1/audio/transcriptions'

  test.each<[string, () => Parameters<typeof fetch>]>([
    ['in init', () => [address, { method: 'POST', body: form() }]],
    ['in a Request', () => [new Request(address, { method: 'POST', body: form() })]],
  ])('a form whose input is a file is metered: %s', async (_, args) => {
    await using run = await startFetchRun()
    run.server.serve({ text: 'Hello.', usage: { type: 'duration', seconds: 7 } })
    await (await run.meter.fetch('cus_1', { fetch: run.anyHost })(...args())).json()
    expect(run.records).toMatchObject([{ customer: 'cus_1', details: { seconds: 7 } }])
  })

  test.each([
    'body must NOT have additional properties',
    'json: unknown field',
    'Unrecognized key(s) in object',
    'Extra inputs are not permitted',
  ])('a strict server is asked again as the caller did: %s', async (message) => {
    await using run = await startFetchRun()
    const own = `https://strict-${message.length}.internal.example/v1/chat/completions`
    run.server.serve({ message }, { status: 400 })
    run.server.serve(eventStream(chatEvents.slice(0, 3)), sse)
    const init = post(streamed)
    const response = await run.meter.fetch('cus_1', { fetch: run.anyHost })(own, init)
    expect(await response.text()).toBe(visible)
    expect(run.server.requests[1]?.rawBody).toBe(init.body)
  })
})
