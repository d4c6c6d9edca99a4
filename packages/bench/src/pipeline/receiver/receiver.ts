/**
 * A process that stands for Stripe where speed is measured: it answers as Stripe does, counts events
 * and tells repeated identifiers, and checks nothing else. It reads HTTP itself because node:http
 * costs more than the rest of it.
 */
import { createServer, type Socket } from 'node:net'
import { countEvents, tally } from './tally.ts'

const headEnd = '\r\n\r\n'

const server = createServer((socket) => {
  socket.setNoDelay(true)
  let waiting = ''
  // One byte is one character, so that lengths in bytes are lengths of the text.
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    waiting = answerAll(socket, waiting + chunk)
  })
  socket.on('error', () => socket.destroy())
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.send?.(address.port)
})
process.on('disconnect', () => process.exit())

/** Answers every request that is whole, and hands back what is left. */
function answerAll(socket: Socket, text: string): string {
  let start = 0
  for (;;) {
    const end = text.indexOf(headEnd, start)
    if (end === -1) return text.slice(start)
    const head = text.slice(start, end)
    const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    const next = end + headEnd.length + length
    if (text.length < next) return text.slice(start)
    const body = answer(head.slice(0, head.indexOf('\r\n')), text.slice(next - length, next))
    socket.write(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}${headEnd}${body}`,
    )
    start = next
  }
}

function answer(request: string, body: string): string {
  if (request.includes('/tally')) return JSON.stringify(tally(request.startsWith('DELETE')))
  if (request.includes('/v2/billing/meter_event_session')) return session()
  if (request.includes('/v2/billing/meter_event_stream')) {
    countEvents(body, '"identifier":"', '"')
    return '{}'
  }
  if (request.includes('/v2/')) {
    countEvents(body, '"identifier":"', '"')
    return '{"object":"v2.billing.meter_event"}'
  }
  countEvents(`${body}&`, 'identifier=', '&')
  return '{"object":"billing.meter_event"}'
}

function session(): string {
  const now = Date.now()
  return JSON.stringify({
    id: 'mes_bench',
    object: 'v2.billing.meter_event_session',
    authentication_token: 'mes_token_bench',
    created: new Date(now).toISOString(),
    expires_at: new Date(now + 15 * 60_000).toISOString(),
    livemode: true,
  })
}
