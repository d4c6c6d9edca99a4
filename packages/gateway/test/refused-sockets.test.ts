import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { RefusedError, watchedGuard } from '@token-meter/testkit/internal'
import { describe, expect, test } from 'vitest'
import { callerKeys, realtime, refusedSocket, startSocketRun, upstreamKey } from './socket-run.ts'

describe('what a socket is not opened for', () => {
  test('an upstream that refuses is answered with its status, headers and body', async () => {
    const body = '{"error":{"message":"no such model","code":"model_not_found"}}'
    await using run = await startSocketRun({
      refuse: {
        status: 404,
        headers: { 'content-type': 'application/json', 'x-request-id': 'req_1' },
        body,
      },
    })
    expect(await refusedSocket(`${run.url}${realtime}`)).toMatchObject({
      status: 404,
      headers: { 'content-type': 'application/json', 'x-request-id': 'req_1' },
      body,
    })
    expect(run.entries).toMatchObject([{ status: 404, outcome: 'answered' }])
    expect(run.records).toEqual([])
  })

  test('an upstream that is away is a 502, one that does not answer a 504', async () => {
    await using run = await startSocketRun({
      gateway: {
        upstreams: { openai: { baseUrl: 'http://127.0.0.1:1', apiKey: upstreamKey } },
      },
    })
    const away = await refusedSocket(`${run.url}${realtime}`)
    expect(away.status).toBe(502)
    expect(JSON.parse(away.body)).toMatchObject({ error: { code: 'upstream_failed' } })
    const silent = createServer().on('upgrade', (_, socket) => socket.on('error', () => {}))
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    await using late = await startSocketRun({
      gateway: {
        timeouts: { firstByteMs: 100 },
        upstreams: { openai: { baseUrl: `http://127.0.0.1:${port}`, apiKey: upstreamKey } },
      },
    })
    expect((await refusedSocket(`${late.url}${realtime}`)).status).toBe(504)
    silent.closeAllConnections()
    silent.close()
  })

  test('a guard that refuses is a 402 in the dialect, and the upstream is not asked', async () => {
    await using run = await startSocketRun({
      guard: watchedGuard(() => Promise.reject(new RefusedError())),
    })
    const { status, headers, body } = await refusedSocket(`${run.url}${realtime}`)
    expect(status).toBe(402)
    expect(headers).toMatchObject({ 'x-should-retry': 'false' })
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'insufficient_quota' } })
    expect(run.requests).toEqual([])
    expect(run.entries).toMatchObject([{ status: 402, outcome: 'refused' }])
  })

  test('nobody pays: a 403, where the meter refuses that', async () => {
    await using run = await startSocketRun({ onMissingCustomer: 'throw' })
    expect((await refusedSocket(`${run.url}${realtime}`)).status).toBe(403)
    expect(run.requests).toEqual([])
  })

  test.each([
    ['/v1/realtime?call_id=rtc_of_somebody', 403],
    ['/v1/live/sessions/live_of_somebody/attach', 403],
    ['/v1/realtime/translations?model=gpt-translate', 403],
    ['/v1/somewhere', 403],
    ['/v1/realtime?model=gpt-other', 403],
    ['/v1/realtime?model=gpt-realtime&model=gpt-other', 400],
    ['/v1/realtime?model=gpt-realtime&Deployment=gpt-other', 400],
    ['/v1/realtime?intent=transcription', 403],
    [
      '/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContentConstrained?access_token=auth_1',
      403,
    ],
    ['/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateMusic', 403],
    ['/nobody/v1/realtime?model=gpt-realtime', 404],
  ])('%s: %i', async (path, status) => {
    await using run = await startSocketRun({
      gateway: { keys: callerKeys({ models: new Set(['gpt-realtime']) }) },
    })
    expect((await refusedSocket(`${run.url}${path}`)).status).toBe(status)
    expect(run.requests).toEqual([])
  })

  test('what is no handshake is a 400, another version a 426 that names ours', async () => {
    await using run = await startSocketRun()
    const ask = (version: string, key: string) =>
      new Promise<{ status: number | undefined; headers: object }>((resolve, reject) => {
        const headers = {
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': version,
          'sec-websocket-key': key,
        }
        get({ port: run.port, path: realtime, headers })
          .on('response', (response) => {
            response.resume()
            resolve({ status: response.statusCode, headers: response.headers })
          })
          .on('error', reject)
      })
    expect((await ask('13', 'short')).status).toBe(400)
    expect(await ask('12', 'AAAAAAAAAAAAAAAAAAAAAA==')).toMatchObject({
      status: 426,
      headers: { 'sec-websocket-version': '13' },
    })
    expect(run.requests).toEqual([])
  })
})
