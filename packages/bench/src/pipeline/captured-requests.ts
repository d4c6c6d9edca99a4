import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Sink, UsageRecord } from '@token-meter/core'
import { batchOf, never } from '@token-meter/testkit'

/** A request with events, as a sink sent it. */
export interface CapturedRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What a sink sends for these records, to be sent again by others: the same payload to the byte. */
export async function capturedRequests(
  makeSink: (baseUrl: string) => Sink,
  records: readonly UsageRecord[],
): Promise<readonly CapturedRequest[]> {
  const captured: CapturedRequest[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      const path = request.url ?? ''
      response.setHeader('content-type', 'application/json')
      if (path.endsWith('session')) return response.end(session)
      captured.push({ path, headers: request.headers, body })
      const object = path.startsWith('/v2') ? 'v2.billing.meter_event' : 'billing.meter_event'
      return response.end(path.endsWith('stream') ? '{}' : JSON.stringify({ object }))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const sink = makeSink(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const results = await sink.send(batchOf(records), never)
  await sink.close?.()
  server.closeAllConnections()
  server.close()
  const failed = results.find(({ status }) => status !== 'accepted')
  if (failed !== undefined) throw new Error(`not sent: ${JSON.stringify(failed)}`)
  return captured
}

const session = JSON.stringify({
  object: 'v2.billing.meter_event_session',
  authentication_token: 'mes_token_bench',
  created: new Date().toISOString(),
  expires_at: new Date(Date.now() + 15 * 60_000).toISOString(),
})
