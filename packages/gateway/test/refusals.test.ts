import Anthropic from '@anthropic-ai/sdk'
import { ApiError, GoogleGenAI } from '@google/genai'
import type { Guard } from '@token-meter/core'
import { startReplayServer } from '@token-meter/testkit'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { type CallerKeys, GatewayRefusal } from '../src/index.ts'
import { startGateway } from './running.ts'

/** As the guard of credits refuses: its message is for the developer, its JSON for end users. */
class NoCreditError extends Error {
  readonly status = 402
  readonly code = 'insufficient_credits'
  readonly customer = 'cus_secret'
  constructor() {
    super('cus_secret has 0 usd left: grant credit')
  }
  toJSON() {
    const message = 'Nothing is left of the credit for this call'
    return { message, code: this.code, status: this.status, available: '0', required: '0.01' }
  }
}

const broke: Guard = {
  admit: () => {
    throw new NoCreditError()
  },
}
const message = { role: 'user', content: 'hi' } as const

describe('a call that the customer cannot pay', () => {
  test('is the error of each SDK for it, is asked once, and reaches nobody', async () => {
    await using upstream = await startReplayServer()
    await using running = await startGateway(upstream.url, { guard: broke })
    const { url } = running
    const openai = new OpenAI({ apiKey: 'k', baseURL: `${url}/v1` })
    await expect(
      openai.chat.completions.create({ model: 'gpt-5', messages: [message] }),
    ).rejects.toMatchObject({ status: 402, code: 'insufficient_quota', type: 'insufficient_quota' })
    const anthropic = new Anthropic({ apiKey: 'k', baseURL: url })
    const refused = await anthropic.messages
      .create({ model: 'claude-5', max_tokens: 9, messages: [message], stream: true })
      .catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Anthropic.APIError)
    expect(refused).toMatchObject({
      status: 402,
      error: {
        type: 'error',
        error: { type: 'billing_error', message: 'Nothing is left of the credit for this call' },
        request_id: running.entries[1]?.id,
      },
    })
    const gemini = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: url } })
    const third = await gemini.models
      .generateContent({ model: 'gemini-3', contents: 'hi' })
      .catch((error: unknown) => error)
    expect(third).toBeInstanceOf(ApiError)
    expect(third).toMatchObject({ status: 402 })
    expect(String(third)).toContain('FAILED_PRECONDITION')
    expect(running.entries.map(({ refusal }) => refusal)).toEqual(
      Array.from({ length: 3 }, () => 'insufficient_credits'),
    )
    expect(upstream.requests).toEqual([])
    expect(running.records).toEqual([])
    expect(String(third) + JSON.stringify(refused)).not.toContain('cus_secret')
  })

  test('tells no SDK to try again, and what it lacks', async () => {
    await using upstream = await startReplayServer()
    await using running = await startGateway(upstream.url, { guard: broke })
    const answer = await fetch(`${running.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'gpt-5', messages: [message] }),
    })
    expect(answer.headers.get('x-should-retry')).toBe('false')
    expect(answer.headers.get('x-token-meter-request-id')).toBe(running.entries[0]?.id)
    expect(await answer.json()).toEqual({
      error: {
        message: 'Nothing is left of the credit for this call',
        type: 'insufficient_quota',
        param: null,
        code: 'insufficient_quota',
        available: '0',
        required: '0.01',
      },
    })
  })
})

test('a guard that cannot be asked is 503, with when to try again', async () => {
  await using upstream = await startReplayServer()
  const away = Object.assign(new Error('the store of cus_secret is away'), { status: 503 })
  const guard: Guard = { admit: () => Promise.reject(away) }
  await using running = await startGateway(upstream.url, { guard })
  const answer = await fetch(`${running.url}/anthropic/v1/messages`, {
    method: 'POST',
    body: JSON.stringify({ model: 'claude-5', max_tokens: 9, messages: [message] }),
  })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  const said = await answer.text()
  expect(JSON.parse(said)).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } })
  expect(said).not.toContain('cus_secret')
})

test('a fault of the guard itself is 500, told to whoever runs the gateway, and to nobody else', async () => {
  await using upstream = await startReplayServer()
  const fault = new TypeError('undefined of cus_secret')
  await using running = await startGateway(upstream.url, {
    guard: { admit: () => Promise.reject(fault) },
  })
  const answer = await fetch(`${running.url}/v1/responses`, {
    method: 'POST',
    body: JSON.stringify({ model: 'gpt-5', input: 'hi' }),
  })
  expect(answer.status).toBe(500)
  expect(await answer.text()).not.toContain('cus_secret')
  expect(running.faults).toEqual([fault])
})

test('a rate is 429 with when to try again, and the request is left whatever becomes of it', async () => {
  await using upstream = await startReplayServer()
  const left: (number | undefined)[] = []
  let entered = 0
  const keys: CallerKeys = {
    authenticate: () => ({
      keyId: 'k',
      userId: 'u',
      teamId: null,
      customer: null,
      mayName: new Set(),
      models: undefined,
      allowUnknown: false,
      stripeHeaders: false,
      pools: [],
      metadata: {},
    }),
    enter() {
      if (++entered === 2) {
        throw new GatewayRefusal(429, 'rate_limited', 'too many requests', { retryAfterMs: 2500 })
      }
      return { leave: (tokens) => void left.push(tokens) }
    },
  }
  await using running = await startGateway(upstream.url, { keys })
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
  upstream.serve({ id: 'c', model: 'gpt-5', choices: [], usage })
  upstream.serve({ error: { message: 'no' } }, { status: 500 })
  const ask = () =>
    fetch(`${running.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer tm-k' },
      body: JSON.stringify({ model: 'gpt-5', messages: [message] }),
    })
  expect((await ask()).status).toBe(200)
  const limited = await ask()
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '3'])
  expect(limited.headers.get('x-should-retry')).toBeNull()
  expect((await ask()).status).toBe(500)
  await running.entry(3)
  expect(left).toEqual([5, undefined])
  expect(running.records).toMatchObject([{ customer: 'u' }])
})

test('a stream that outgrows its hold ends with the reason, in its own dialect', async () => {
  await using upstream = await startReplayServer({ gapMs: 1 })
  const guard: Guard = {
    admit: () => ({
      holdIds: ['h1'],
      settled: () => {},
      release: () => {},
      lost: () => {},
      keep: () => {},
      progress: (tokens) => (tokens > 100 ? Promise.reject(new NoCreditError()) : undefined),
    }),
  }
  await using running = await startGateway(upstream.url, { guard })
  const text = 'many words that are said again and again. '.repeat(8)
  const delta = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }
  upstream.serve([
    {
      type: 'message_start',
      message: { id: 'm', model: 'claude-5', usage: { input_tokens: 4, output_tokens: 1 } },
    },
    ...Array.from({ length: 50 }, () => delta),
    { type: 'message_stop' },
  ])
  const anthropic = new Anthropic({ apiKey: 'k', baseURL: running.url, maxRetries: 0 })
  const stream = await anthropic.messages.create({
    model: 'claude-5',
    max_tokens: 999,
    messages: [message],
    stream: true,
  })
  const read = async () => {
    for await (const _ of stream);
  }
  await expect(read()).rejects.toThrow(/Nothing is left of the credit/)
  expect(running.records).toMatchObject([{ outcome: 'estimated', tokens: { input: 4 } }])
  expect(await running.entry(1)).toMatchObject({ refusal: 'insufficient_credits', status: 200 })
  expect(upstream.requests[0]?.eventsSent).toBeLessThan(50)
})
