import { createServer as createHttp } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { headerOf, rawCall, rawReply, rawRequest, startRawUpstream } from './raw.ts'
import { startGateway } from './running.ts'

const json = ['Content-Type', 'application/json'] as const
const body = '{"model":"gpt-5","messages":[]}'
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const answer = Buffer.from(JSON.stringify({ id: 'c', model: 'gpt-5', choices: [], usage }))

/** A proxy that makes tunnels to the upstream, whatever host it is asked for. */
async function startProxy(port: number) {
  const asked: string[] = []
  const server = createHttp().on('connect', ({ url = '' }, socket) => {
    asked.push(url)
    const behind = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      behind.pipe(socket).pipe(behind)
    })
    behind.on('error', () => socket.destroy())
    socket.on('error', () => behind.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo
  return {
    asked,
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

afterEach(() => {
  vi.unstubAllEnvs()
})

test('requests go through the proxy that the environment names, with the same headers', async () => {
  await using upstream = await startRawUpstream((socket) => socket.write(rawReply(answer, [json])))
  await using proxy = await startProxy(upstream.port)
  vi.stubEnv('HTTP_PROXY', proxy.url)
  vi.stubEnv('NO_PROXY', 'local.test,.corp.test')
  await using running = await startGateway('http://models.test:8080')
  const headers = [json, ['X-A', '2'], ['x-b', '1'], ['X-A', '3'], ['7', 'odd']] as const
  const { status } = await rawCall(
    running.port,
    rawRequest({ path: '/v1/chat/completions', headers, body }),
  )
  expect(status).toBe(200)
  expect(proxy.asked).toEqual(['models.test:8080'])
  const [sent] = upstream.requests
  expect(headerOf(sent as never, 'host')).toBe('models.test:8080')
  expect(sent?.headers.filter(([name]) => /^(?:x-.|7)$/i.test(name))).toEqual(headers.slice(1))
  expect(running.records).toMatchObject([{ tokens: { input: 3, output: 2 } }])
})

test('what NO_PROXY names is asked straight', async () => {
  await using upstream = await startRawUpstream((socket) => socket.write(rawReply(answer, [json])))
  await using proxy = await startProxy(upstream.port)
  vi.stubEnv('http_proxy', proxy.url)
  vi.stubEnv('NO_PROXY', '127.0.0.1')
  await using running = await startGateway(upstream.url)
  const { status } = await rawCall(
    running.port,
    rawRequest({ path: '/v1/chat/completions', headers: [json], body }),
  )
  expect([status, proxy.asked]).toEqual([200, []])
})
