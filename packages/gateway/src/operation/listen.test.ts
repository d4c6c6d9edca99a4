import { once } from 'node:events'
import { chmodSync, mkdtempSync } from 'node:fs'
import { Agent, get, type IncomingMessage, request as ask, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createMeter, functionSink, memoryOutbox, type Outbox } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { openaiProvider } from '@token-meter/openai'
import { expect, onTestFinished, test } from 'vitest'
import type { AccessEntry } from '../access-entry.ts'
import { listen, isLoopback, type ListenOptions } from './listen.ts'
import { Operation } from './operation.ts'

interface Setup {
  readonly outbox?: Outbox
  readonly adminKey?: string
  readonly checks?: Readonly<Record<string, () => unknown>>
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => void
  readonly options?: ListenOptions
}

/** What operates a gateway, over requests that are answered here. */
async function start({
  outbox = memoryOutbox(),
  adminKey,
  checks = {},
  options,
  ...more
}: Setup = {}) {
  const meter = createMeter({
    providers: [openaiProvider],
    outbox,
    sinks: [functionSink('warehouse', async () => {})],
  })
  const failed: string[] = []
  const operation = new Operation({
    meter,
    adminKey,
    checks,
    gauges: () => ({ stripe_meter_failed_total: { help: 'Failed.', value: 3 } }),
    report: (check, cause) => failed.push(`${check}: ${(cause as Error).message}`),
  })
  const answer = more.answer ?? ((_, response) => response.end('answered'))
  const underWay = new Set<ServerResponse>()
  const listening = await listen(
    {
      isOpen: adminKey === undefined,
      handle(request, response) {
        if (operation.answer(request.url ?? '', request, response)) return
        underWay.add(response)
        response.on('close', () => underWay.delete(response))
        answer(request, response)
      },
      upgrade: (_, socket) => void socket.destroy(),
      turnOff: () => operation.turnOff(),
      async close({ timeoutMs }) {
        const deadline = performance.now() + timeoutMs
        while (underWay.size > 0 && performance.now() < deadline) await sleep(5)
        for (const response of underWay) response.destroy()
      },
    },
    { port: 0, ...options },
  )
  onTestFinished(async () => {
    await listening.close()
    await meter.close()
  })
  return { listening, operation, meter, failed, url: listening.url }
}

const entry: AccessEntry = {
  id: 'r1',
  at: Date.now(),
  method: 'POST',
  path: '/secret-path',
  upstream: 'openai',
  status: 200,
  outcome: 'answered',
  keyId: 'secret-key-id',
  customer: 'secret-customer',
  model: 'gpt-5.4',
  ms: 1200,
  beforeMs: 0.4,
  firstByteMs: 300,
  upstreamMs: 1100,
  bytesIn: 10,
  bytesOut: 20,
}

test('it is live and ready, whatever method asks but one that writes', async () => {
  const { url } = await start()
  expect(await (await fetch(`${url}/health/live`)).json()).toEqual({ live: true })
  const ready = await fetch(`${url}/health/ready`)
  expect([ready.status, await ready.json()]).toEqual([
    200,
    { ready: true, checks: { outbox: 'ok', backlog: 'ok' } },
  ])
  expect((await fetch(`${url}/health/ready`, { method: 'POST', body: 'x' })).status).toBe(405)
  expect(await (await fetch(`${url}/other`)).text()).toBe('answered')
  expect((await fetch(`${url}/constructor`)).status).toBe(200)
})

test('an outbox that takes no writes is not ready, and is again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ready-'))
  const path = join(folder, 'usage.db')
  const outbox = sqliteOutbox(path)
  const { url, failed } = await start({ outbox })
  expect((await fetch(`${url}/health/ready`)).status).toBe(200)
  const { DatabaseSync } = await import('node:sqlite')
  const other = new DatabaseSync(path)
  other.exec(
    "CREATE TRIGGER full BEFORE UPDATE ON gateway_probe BEGIN SELECT RAISE(ABORT, 'disk full'); END",
  )
  await expect
    .poll(async () => (await fetch(`${url}/health/ready`)).status, { timeout: 10_000 })
    .toBe(503)
  const answer = await (await fetch(`${url}/health/ready`)).text()
  expect(JSON.parse(answer)).toEqual({ ready: false, checks: { outbox: 'failed', backlog: 'ok' } })
  expect(failed[0]).toContain('outbox: ')
  other.exec('DROP TRIGGER full')
  await expect
    .poll(async () => (await fetch(`${url}/health/ready`)).status, { timeout: 10_000 })
    .toBe(200)
  other.close()
  chmodSync(path, 0o600)
})

test('a check of its own that fails, or hangs, is not ready; why is not said to whoever asks', async () => {
  let guard: () => unknown = () => Promise.reject(new Error('postgres://user:password@host'))
  const { url, failed } = await start({ checks: { guard: () => guard() } })
  const answer = await fetch(`${url}/health/ready`)
  const body = await answer.text()
  expect(answer.status).toBe(503)
  expect(JSON.parse(body).checks).toMatchObject({ guard: 'failed' })
  expect(body).not.toContain('password')
  expect(failed).toHaveLength(1)
  guard = () => new Promise(() => {})
  await expect
    .poll(async () => (await fetch(`${url}/health/ready`)).status && failed.length, {
      timeout: 6000,
    })
    .toBe(2)
})

test('metrics need the admin key, and name no customer, key or path', async () => {
  const { url, operation, meter } = await start({ adminKey: 'admin-secret' })
  operation.observe(entry)
  operation.observe({ ...entry, status: 402, outcome: 'refused', refusal: 'insufficient_credits' })
  operation.observe({ ...entry, unmetered: true })
  await meter.record({
    customer: 'secret-customer',
    provider: 'openai',
    model: 'gpt-5.4',
    tokens: { input: 7, cachedInput: 0, cachedWrite: 0, output: 5 },
  })
  for (const authorization of ['', 'Bearer wrong', 'admin-secret']) {
    expect((await fetch(`${url}/metrics`, { headers: { authorization } })).status).toBe(401)
  }
  const answer = await fetch(`${url}/metrics`, {
    headers: { authorization: 'Bearer admin-secret' },
  })
  const text = await answer.text()
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  expect(text).not.toMatch(/secret/)
  for (const line of [
    'requests_total{upstream="openai",status="200",outcome="answered"} 2',
    'refused_total{code="insufficient_credits"} 1',
    'unmetered_total{upstream="openai"} 1',
    'tokens_total{provider="openai",model="gpt-5.4",token_type="input"} 7',
    'added_seconds_bucket{upstream="openai",le="0.0005"} 3',
    'upstream_first_byte_seconds_count{upstream="openai"} 3',
    'stripe_meter_failed_total 3',
    'dead_letters{sink="warehouse"} 0',
  ]) {
    expect(text).toContain(`token_meter_gateway_${line}\n`)
  }
  // Each line is one that Prometheus can read, and each family is described once.
  for (const line of text.trimEnd().split('\n')) {
    expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="(\\.|[^"\\])*",?)+\})? -?[\d.e+-]+)$/)
  }
  const families = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name)
  expect(new Set(families).size).toBe(families.length)
})

test('models that are made up fill no memory', async () => {
  const { url, meter } = await start()
  for (let at = 0; at < 300; at++) {
    await meter.record({
      customer: 'cus',
      provider: 'openai',
      model: `made-up-${at}`,
      tokens: { input: 1, cachedInput: 0, cachedWrite: 0, output: 0 },
    })
  }
  const text = await (await fetch(`${url}/metrics`)).text()
  expect(text.match(/^token_meter_gateway_tokens_total/gm)).toHaveLength(201)
  expect(text).toContain('model="other",token_type="input"} 100\n')
})

test('beyond loopback it needs an admin key', async () => {
  await expect(start({ options: { host: '0.0.0.0' } })).rejects.toThrow('adminKey')
  const { listening } = await start({ adminKey: 'a', options: { host: '0.0.0.0' } })
  expect(listening.url).toMatch(/^http:\/\/0\.0\.0\.0:\d+$/)
})

test.each(['127.0.0.1', '127.9.9.9', 'localhost', '::1', '[::1]'])('%s is loopback', (host) =>
  expect(isLoopback(host)).toBe(true),
)
test.each(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', 'localhost.example.com'])(
  '%s is not',
  (host) => expect(isLoopback(host)).toBe(false),
)

test('a port that is taken is said', async () => {
  const { listening } = await start()
  const { port } = new URL(listening.url)
  await expect(start({ options: { port: Number(port) } })).rejects.toThrow('EADDRINUSE')
})

test.each([
  ['port', 70_000],
  ['host', ''],
  ['drainMs', -1],
  ['hots', 'x'],
])('a wrong %s is an error that names it', async (name, value) => {
  await expect(start({ options: { [name]: value } })).rejects.toThrow(name)
})

async function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.setEncoding('utf8').on('data', (piece) => (answer += piece))
  socket.write(text)
  await once(socket, 'close')
  return answer
}

test.each([
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n', 400],
  ['too many headers', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, 431],
])('%s is refused, and the connection ended', async (_, text, status) => {
  const { url } = await start()
  expect(await raw(url, text)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
})

test('30 kB of headers are taken, and connections are kept alive for longer than a load balancer does', async () => {
  const { url, listening } = await start()
  const answer = await fetch(url, { headers: { x: 'y'.repeat(30_000) } })
  expect(answer.status).toBe(200)
  expect(listening.server.keepAliveTimeout).toBe(75_000)
  expect(listening.server.requestTimeout).toBe(0)
})

test('closing: not ready at first, then no new connections; what is under way ends whole', async () => {
  let release!: () => void
  const held = new Promise<void>((resolve) => (release = resolve))
  const { url, listening } = await start({
    options: { readinessDelayMs: 300 },
    async answer({ url: path }, response) {
      if (path !== '/slow') return void response.end('answered')
      response.write('begun ')
      await held
      response.end('ended')
    },
  })
  const agent = new Agent({ keepAlive: true })
  const slow = get(`${url}/slow`, { agent })
  const [response] = (await once(slow, 'response')) as [IncomingMessage]
  const closing = listening.close()
  expect((await fetch(`${url}/health/ready`)).status).toBe(503)
  expect(await (await fetch(`${url}/other`)).text()).toBe('answered')
  await expect
    .poll(() =>
      fetch(`${url}/other`).then(
        () => 'taken',
        () => 'refused',
      ),
    )
    .toBe('refused')
  release()
  let body = ''
  for await (const piece of response) body += piece
  expect(body).toBe('begun ended')
  await closing
  agent.destroy()
})

test('what does not end in its time is broken off, never ended cleanly', async () => {
  const { url, listening } = await start({
    options: { drainMs: 100 },
    answer: (_, response) => void response.write('begun '),
  })
  const endless = ask(url).end()
  const [response] = (await once(endless, 'response')) as [IncomingMessage]
  const reading = (async () => {
    for await (const piece of response) void piece
  })()
  await listening.close()
  await expect(reading).rejects.toThrow('aborted')
})
