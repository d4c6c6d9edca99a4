import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { startFakeLago } from '@token-meter/testkit'
import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { run } from './command.ts'
import { startLocalUpstream } from './local-upstream.ts'
import { adminKey, configFor, startGateway, upstreamKey } from './started-gateway.ts'

const message = { role: 'user', content: 'text-canary' } as const

async function recordsIn(cwd: string) {
  const outbox = sqliteOutbox(join(cwd, '.token-meter/usage.db'))
  const { entries } = await outbox.ledger('any')
  await outbox.close()
  return entries.map(({ record }) => record)
}

test('the SDKs of three providers through it, billed by the backend that the environment names', async () => {
  await using upstream = await startLocalUpstream()
  await using lago = await startFakeLago()
  await using gateway = await startGateway({
    config: configFor(upstream),
    environment: { LAGO_API_KEY: lago.apiKey, LAGO_API_URL: lago.url },
  })
  expect(gateway.stderr()).toContain('sinks      lago')
  const key = await gateway.generate('--customer', 'sub_1')
  const openai = new OpenAI({ apiKey: key, baseURL: `${gateway.url}/openai/v1`, maxRetries: 0 })
  const anthropic = new Anthropic({
    apiKey: key,
    baseURL: `${gateway.url}/anthropic`,
    maxRetries: 0,
  })
  const google = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: `${gateway.url}/gemini` } })
  const chat = await openai.chat.completions.create({ model: 'gpt-5.4-mini', messages: [message] })
  const said = await anthropic.messages.create({
    model: 'claude-sonnet-4-6',
    max_tokens: 50,
    messages: [message],
  })
  const generated = await google.models.generateContent({
    model: 'gemini-3-flash',
    contents: 'text-canary',
  })
  expect(chat.choices[0]?.message.content).toBe('Mostly.')
  expect(said.content).toMatchObject([{ text: 'Mostly.' }])
  expect(generated.text).toBe('Mostly.')
  expect(await recordsIn(gateway.cwd)).toMatchObject([
    {
      customer: 'sub_1',
      provider: 'openai',
      tokens: { input: 12, output: 5 },
      cost: { currency: 'USD' },
    },
    { customer: 'sub_1', tokens: { input: 12, output: 5 } },
    { customer: 'sub_1', tokens: { input: 12, output: 5 } },
  ])
  const metrics = await fetch(`${gateway.url}/metrics`, {
    headers: { authorization: `Bearer ${adminKey}` },
  })
  expect(await metrics.text()).toContain(
    'token_meter_gateway_requests_total{upstream="gemini",status="200",outcome="answered"} 1',
  )

  gateway.child.kill('SIGTERM')
  expect(await gateway.ended).toBe(0)
  expect(lago.billed().length).toBeGreaterThan(0)
  const { outbox } = { outbox: sqliteOutbox(join(gateway.cwd, '.token-meter/usage.db')) }
  expect(await outbox.stats('lago')).toMatchObject({ recorded: 3, delivered: 3, pending: 0 })
  await outbox.close()

  // Nothing secret, and no text, in what it wrote anywhere.
  const log = gateway.stdout()
  expect(
    log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { upstream: 'openai', customer: 'sub_1', status: 200, tokens: 17 },
    { upstream: 'anthropic', customer: 'sub_1', status: 200, tokens: 17 },
    { upstream: 'gemini', customer: 'sub_1', status: 200, tokens: 17 },
  ])
  const sizes = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).bytesOut as number)
  expect(sizes.every((bytes) => bytes > 100)).toBe(true)
  const files = readdirSync(join(gateway.cwd, '.token-meter')).map((file) =>
    readFileSync(join(gateway.cwd, '.token-meter', file), 'latin1'),
  )
  for (const secret of [key, key.slice(-43), adminKey, upstreamKey, lago.apiKey, 'text-canary']) {
    expect([log, gateway.stderr(), ...files].join('\n')).not.toContain(secret)
  }
  expect(upstream.asked.map(({ headers }) => JSON.stringify(headers)).join()).not.toContain(key)
}, 60_000)

test('on SIGTERM it is not ready, takes nothing new, and a stream under way ends whole', async () => {
  await using upstream = await startLocalUpstream()
  upstream.pauseMs = 300
  await using gateway = await startGateway({
    config: configFor(upstream, { shutdown: { readinessDelayMs: 1500 } }),
  })
  const openai = new OpenAI({
    apiKey: await gateway.generate('--customer', 'cus_1'),
    baseURL: `${gateway.url}/v1`,
    maxRetries: 0,
  })
  const stream = await openai.chat.completions.create({
    model: 'gpt-5.4-mini',
    messages: [message],
    stream: true,
  })
  gateway.child.kill('SIGTERM')
  await expect
    .poll(async () => (await fetch(`${gateway.url}/health/ready`)).status, { interval: 10 })
    .toBe(503)
  let text = ''
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? ''
  expect(text).toBe('Mostly.')
  expect(await gateway.ended).toBe(0)
  expect(await recordsIn(gateway.cwd)).toMatchObject([
    { outcome: 'complete', tokens: { input: 12, output: 5 } },
  ])
}, 60_000)

test('what does not end in its time is broken off, and recorded as partial', async () => {
  await using upstream = await startLocalUpstream()
  upstream.pauseMs = 60_000
  await using gateway = await startGateway({
    config: configFor(upstream, { shutdown: { drainMs: 300 } }),
  })
  const openai = new OpenAI({
    apiKey: await gateway.generate('--customer', 'cus_1'),
    baseURL: `${gateway.url}/v1`,
    maxRetries: 0,
  })
  const stream = await openai.chat.completions.create({
    model: 'gpt-5.4-mini',
    messages: [message],
    stream: true,
  })
  const reading = (async () => {
    for await (const chunk of stream) void chunk
  })()
  const broken = expect(reading).rejects.toThrow()
  await expect.poll(() => upstream.asked.length, { timeout: 10_000 }).toBe(1)
  gateway.child.kill('SIGINT')
  await broken
  expect(await gateway.ended).toBe(0)
  expect(await recordsIn(gateway.cwd)).toMatchObject([{ customer: 'cus_1', outcome: 'estimated' }])
}, 60_000)

test('a second signal ends it at once', async () => {
  await using upstream = await startLocalUpstream()
  upstream.pauseMs = 60_000
  await using gateway = await startGateway({ config: configFor(upstream) })
  const key = await gateway.generate('--customer', 'cus_1')
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5.4-mini', stream: true, messages: [] }),
  })
  gateway.child.kill('SIGTERM')
  await expect.poll(() => gateway.stderr(), { timeout: 10_000 }).toContain('ending')
  gateway.child.kill('SIGTERM')
  expect(await gateway.ended).toBe(1)
  await answer.body?.cancel().catch(() => {})
}, 60_000)

test('without a configuration: upstreams by their keys, and any key is taken, which a line says', async () => {
  await using gateway = await startGateway({
    environment: { OPENAI_API_KEY: 'sk-x', GEMINI_API_KEY: 'x', TOKEN_METER_ADMIN_KEY: '' },
    args: ['--outbox', 'memory:'],
  })
  expect(gateway.stderr()).toContain('upstreams  openai, gemini\n')
  expect(gateway.stderr()).toContain('any key or none is taken')
  expect(gateway.url).toMatch(/^http:\/\/127\.0\.0\.1:/)
  const unknown = await fetch(`${gateway.url}/v1/chat/completionz`, { method: 'GET' })
  expect(unknown.status).not.toBe(401)
}, 60_000)

test('credit: a call that its customer cannot pay is refused, and the books are asked whether they are there', async () => {
  await using upstream = await startLocalUpstream()
  await using gateway = await startGateway({
    config: configFor(upstream, {
      credits: {
        plans: [{ id: 'free', usd: '0.00005', period: 'month', default: true }],
        pools: [{ id: 'team_7', usd: '5', period: 'month' }],
        guard: { defaultMaxOutput: 5 },
      },
    }),
  })
  const key = await gateway.generate('--customer', 'cus_1', '--pools', 'team_7')
  const ask = () =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-5.4-mini', max_tokens: 5, messages: [message] }),
    })
  expect((await ask()).status).toBe(200)
  const refused = await ask()
  expect(refused.status).toBe(402)
  expect(refused.headers.get('x-should-retry')).toBe('false')
  const ready = await fetch(`${gateway.url}/health/ready`)
  expect(await ready.json()).toEqual({
    ready: true,
    checks: { outbox: 'ok', backlog: 'ok', guard: 'ok' },
  })
  expect(upstream.asked).toHaveLength(1)
}, 60_000)

test.each<[string, object | undefined, readonly string[], NodeJS.ProcessEnv, string]>([
  ['no upstream', undefined, [], {}, 'there is no upstream'],
  [
    'an upstream without a key',
    { upstreams: { openai: { baseUrl: 'https://a.example' } } },
    [],
    {},
    'upstreams.openai: apiKey is missing',
  ],
  [
    'a reserved name',
    { upstreams: { v1: { baseUrl: 'https://a.example', apiKey: 'x' } } },
    [],
    {},
    'upstreams.v1',
  ],
  ['a variable that is not set', { adminKey: 'env.NOT_SET' }, [], {}, 'NOT_SET is not set'],
  [
    'beyond loopback without an admin key',
    undefined,
    ['--host', '0.0.0.0'],
    { OPENAI_API_KEY: 'x', TOKEN_METER_ADMIN_KEY: '' },
    'adminKey',
  ],
  [
    'a port that is none',
    undefined,
    ['--port', '70000'],
    { OPENAI_API_KEY: 'x' },
    '--port takes a number',
  ],
  [
    'an outbox that is none',
    undefined,
    ['--outbox', '/dev/null/no/usage.db'],
    { OPENAI_API_KEY: 'x' },
    'usage.db',
  ],
  [
    'a pattern that is none',
    { metadataUserId: '(' },
    [],
    { OPENAI_API_KEY: 'x' },
    'metadataUserId',
  ],
  [
    'rates that cannot be shared',
    { keys: { rates: 'shared' } },
    [],
    { OPENAI_API_KEY: 'x' },
    'shared',
  ],
])(
  '%s is said, and it ends with 1',
  async (_, config, args, environment, said) => {
    const failing = startGateway({ ...(config && { config }), args, environment })
    await expect(failing).rejects.toThrow(new RegExp(`it ended with 1: [^]*${said}`))
    await expect(failing).rejects.not.toThrow(/\n {4}at /)
  },
  60_000,
)

test('a port that is taken is said', async () => {
  await using gateway = await startGateway({
    environment: { OPENAI_API_KEY: 'x' },
    args: ['--outbox', 'memory:'],
  })
  const { port } = new URL(gateway.url)
  const { code, stderr } = await run(['gateway', '--port', port], {
    environment: { OPENAI_API_KEY: 'x' },
  })
  expect([code, stderr]).toEqual([1, expect.stringMatching(/EADDRINUSE[^]*--port/)])
}, 60_000)

test('the access log can be a file, or nothing', async () => {
  await using upstream = await startLocalUpstream()
  await using gateway = await startGateway({
    config: configFor(upstream, { accessLog: 'access.jsonl' }),
  })
  await fetch(`${gateway.url}/v1/models`)
  gateway.child.kill('SIGTERM')
  await once(gateway.child, 'close')
  expect(JSON.parse(readFileSync(join(gateway.cwd, 'access.jsonl'), 'utf8'))).toMatchObject({
    status: 401,
    refusal: 'unauthorized',
  })
  expect(gateway.stdout()).toBe('')
}, 60_000)
