import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Cerebras from '@cerebras/cerebras_cloud_sdk'
import { describe, expect, test } from 'vitest'
import { asStream, drain, sse, startRelative, tokens } from './relatives.ts'
import { chatCompletion } from './scripts.ts'

const cerebras = {
  newClient: (options: object) => new Cerebras({ warmTCPConnection: false, ...options }),
}

describe('Cerebras', () => {
  const usage = {
    prompt_tokens: 300,
    completion_tokens: 50,
    total_tokens: 350,
    prompt_tokens_details: { cached_tokens: 256 },
    completion_tokens_details: { accepted_prediction_tokens: 10, rejected_prediction_tokens: 3 },
  }
  const time_info = { queue_time: 0.1, prompt_time: 0.1, completion_time: 0.2, total_time: 0.4 }
  const answer = { ...chatCompletion, model: 'gpt-oss-120b', usage, time_info }
  const chunks = [
    {
      id: 'c',
      object: 'chat.completion.chunk',
      model: 'gpt-oss-120b',
      choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }],
    },
    {
      id: 'c',
      object: 'chat.completion.chunk',
      model: 'gpt-oss-120b',
      choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
      usage,
      time_info,
    },
  ]
  const record = {
    provider: 'cerebras',
    model: 'gpt-oss-120b',
    tokens: tokens(44, 256, 0, 50),
    details: { acceptedPrediction: 10, rejectedPrediction: 3 },
    outcome: 'complete',
  }
  const request = { model: 'gpt-oss-120b', messages: [{ role: 'user' as const, content: 'Hi' }] }

  test('chat and completions, whole and streamed, with cached input, and what they cost', async () => {
    await using run = await startRelative(cerebras)
    run.server.serve(answer)
    run.server.serve(sse(chunks), asStream)
    run.server.serve({
      ...answer,
      object: 'text_completion',
      choices: [{ index: 0, text: 'Hi', finish_reason: 'stop' }],
    })
    await run.metered.chat.completions.create(request)
    await drain(await run.metered.chat.completions.create({ ...request, stream: true }))
    await run.metered.completions.create({ model: 'gpt-oss-120b', prompt: 'Hi' })
    const endpoints = ['chat.completions', 'chat.completions', 'completions']
    expect(run.records).toMatchObject(endpoints.map((endpoint) => ({ ...record, endpoint })))
    expect(run.errors).toEqual([])
  })

  test.each<[way: string, read: (response: Response) => Promise<string>]>([
    ['text()', (response) => response.text()],
    [
      'buffer()',
      async (response) =>
        String(await (response as never as { buffer(): Promise<Buffer> }).buffer()),
    ],
    [
      'its body, a stream of Node',
      async (response) => {
        let read = ''
        for await (const bytes of response.body as never as AsyncIterable<Buffer>)
          read += String(bytes)
        return read
      },
    ],
  ])('a raw response of node-fetch, streamed, read by %s', async (_, read) => {
    await using run = await startRelative(cerebras)
    run.server.serve(sse(chunks), { ...asStream, times: 2 })
    const texts: string[] = []
    for (const client of [run.raw, run.metered]) {
      const asked = client.chat.completions.create({ ...request, stream: true })
      texts.push(await read((await asked.asResponse()) as unknown as Response))
    }
    expect(texts[1]).toContain('[DONE]')
    expect(run.records).toMatchObject([record])
  })

  test('a raw response that is left: the connection is closed, and the record is an estimate', async () => {
    await using run = await startRelative(cerebras)
    run.server.serve(chunks, { hangAfterEvents: 1 })
    const asked = run.metered.chat.completions.create({ ...request, stream: true })
    const { body } = (await asked.asResponse()) as unknown as { body: AsyncIterable<Buffer> }
    for await (const _ of body) break
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(run.records).toMatchObject([{ outcome: 'estimated', provider: 'cerebras' }])
  })

  test('a stream that is left or aborted ends as it does raw', async () => {
    const many = Array.from({ length: 20 }, () => chunks[0] as object)
    for (const how of ['break', 'abort'] as const) {
      await using run = await startRelative(cerebras)
      run.server.serve(many as never, { times: 2, gapMs: 2 })
      for (const client of [run.raw, run.metered]) {
        const abort = new AbortController()
        const { signal } = abort
        const stream = await client.chat.completions.create(
          { ...request, stream: true },
          { signal },
        )
        let seen = 0
        for await (const _ of stream) {
          seen++
          if (how === 'break') break
          abort.abort()
        }
        expect(seen).toBeLessThan(20)
      }
      expect(run.records).toMatchObject([{ outcome: 'estimated' }])
      await Promise.all(run.server.requests.map(({ closed }) => closed))
      expect(run.server.requests.map(({ closedEarly }) => closedEarly)).toEqual([true, true])
    }
  })

  test('the probe that warms the connection is no call', async () => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      response.end('{}')
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await using run = await startRelative(cerebras)
    run.meter(new Cerebras({ apiKey: 'k', baseURL }), 'cus_1')
    while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(asked).toEqual(['GET /v1/tcp_warming'])
    expect(run.records).toEqual([])
    expect(run.errors).toEqual([])
    server.close()
  })
})
