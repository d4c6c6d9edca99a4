import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { proxyFor } from '../src/socket/proxy-tunnel.ts'
import { answering, realtime, refusedSocket, startSocketRun, upstreamKey } from './socket-run.ts'

test.each([
  ['wss://api.openai.com/', { https_proxy: 'http://p:1' }, 'http://p:1/'],
  ['wss://api.openai.com/', { HTTPS_PROXY: 'p:1' }, 'http://p:1/'],
  ['wss://api.openai.com/', { HTTP_PROXY: 'http://p:2' }, 'http://p:2/'],
  ['ws://api.openai.com/', { HTTPS_PROXY: 'http://p:1' }, undefined],
  ['wss://api.openai.com/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'openai.com' }, undefined],
  ['wss://api.openai.com/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '.openai.com, x' }, undefined],
  ['wss://api.openai.com/', { HTTPS_PROXY: 'http://p:1', no_proxy: '*' }, undefined],
  [
    'wss://api.openai.com/',
    { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'api.openai.com:80' },
    'http://p:1/',
  ],
  ['wss://api.openai.com/', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'penai.com' }, 'http://p:1/'],
  ['wss://api.openai.com/', {}, undefined],
])('the proxy for %s with %o: %s', (url, env, proxy) => {
  expect(proxyFor(new URL(url), env)?.href).toBe(proxy)
})

test('a proxy of the environment is asked for a tunnel, and its refusal is a 502 without its words', async () => {
  const asked: (string | undefined)[] = []
  let status = 200
  const proxy = createServer().on('connect', ({ url = '', headers }, socket) => {
    asked.push(`${url} ${headers['proxy-authorization']}`)
    socket.on('error', () => {})
    if (status !== 200) return void socket.end(`HTTP/1.1 ${status} canary\r\n\r\n`)
    const { hostname, port } = new URL(`http://${url}`)
    const inner = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      inner.pipe(socket).pipe(inner)
    })
    inner.on('error', () => {})
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(() => {
    proxy.closeAllConnections()
    proxy.close()
    vi.unstubAllEnvs()
  })
  vi.stubEnv('http_proxy', `http://user:pass@127.0.0.1:${(proxy.address() as AddressInfo).port}`)
  vi.stubEnv('no_proxy', '')
  await using run = await startSocketRun({ serve: answering })
  const caller = await run.open()
  caller.send('{"type":"response.create"}')
  await run.until(() => run.records.length === 1, 'it is recorded')
  const basic = Buffer.from('user:pass').toString('base64')
  expect(asked).toEqual([expect.stringMatching(new RegExp(`^127.0.0.1:\\d+ Basic ${basic}$`))])
  status = 407
  const { status: answered, body } = await refusedSocket(`${run.url}${realtime}`)
  expect(answered).toBe(502)
  expect(body).not.toMatch(/canary|pass/)
})

test("Azure's paths pass, with its key, and are named azure", async () => {
  await using run = await startSocketRun({ serve: answering })
  const path = '/azure/realtime?api-version=2025-04-01-preview&deployment=my-realtime'
  const caller = await run.open(path, [], { headers: { 'api-key': 'any', authorization: '' } })
  caller.send('{"type":"response.create"}')
  await run.until(() => run.records.length === 1, 'it is recorded')
  expect(run.records).toMatchObject([{ provider: 'azure', requestedModel: 'my-realtime' }])
  const [{ headers = {}, url = '' } = {}] = run.requests
  expect(url).toBe('/openai/realtime?api-version=2025-04-01-preview&deployment=my-realtime')
  expect(headers).toMatchObject({ 'api-key': upstreamKey })
})

test('an upstream that says more than anybody takes is read no further', async () => {
  await using run = await startSocketRun()
  const caller = await run.open()
  const [upstream] = run.upstreams as [WebSocket]
  caller.pause()
  const piece = Buffer.alloc(2 ** 20)
  for (let count = 0; count < 64; count++) upstream.send(piece)
  // What the two connections hold in the system, and a little in the gateway.
  let before = -1
  while (upstream.bufferedAmount !== before) {
    before = upstream.bufferedAmount
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  expect(upstream.bufferedAmount).toBeGreaterThan(32 * 2 ** 20)
  let got = 0
  caller.on('message', () => got++)
  caller.resume()
  await run.until(() => got === 64, 'all of it has come')
})

test(
  '1,000 sockets that say nothing take little, and what they took is given back',
  { timeout: 120_000 },
  async () => {
    await using run = await startSocketRun()
    const openMany = async (count: number) => {
      const all: WebSocket[] = []
      for (let done = 0; done < count; done += 100) {
        all.push(...(await Promise.all(Array.from({ length: 100 }, () => run.open()))))
      }
      return all
    }
    const used = () => {
      globalThis.gc?.()
      return process.memoryUsage().heapUsed / 2 ** 20
    }
    await openMany(100)
    const before = used()
    const sockets = await openMany(1000)
    const after = used()
    expect(run.gateway.stats().underWay).toBe(1100)
    // Both ends of each, the gateway's two, and the records of this test.
    expect(after - before).toBeLessThan(150)
    for (const socket of sockets) socket.terminate()
    await run.until(() => run.gateway.stats().underWay === 100, 'they are over')
    expect(run.entries).toHaveLength(1000)
  },
)
