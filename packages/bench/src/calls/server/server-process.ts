import { createServer, type Socket } from 'node:net'
import { answer, type Scenario } from './answers.ts'
import type { Api } from './events.ts'

/** How soon the rest of a stream follows its first event, and each event of an endless one, in ms. */
const pauseMs = 2

// A server by hand: it costs a few microseconds an answer, and nothing of that in the measured
// process. It takes whatever comes for a request of which it knows the form.
const server = createServer((socket) => {
  socket.setNoDelay(true)
  let pending = ''
  socket.on('data', (bytes: Buffer) => {
    pending += bytes.toString('latin1')
    for (let length = requestLength(pending); length > 0; length = requestLength(pending)) {
      respond(socket, pending.slice(0, length))
      pending = pending.slice(length)
    }
  })
  socket.on('error', () => socket.destroy())
})

/** How long the request at the beginning is; 0 when it has not wholly come. */
function requestLength(text: string): number {
  const headerEnd = text.indexOf('\r\n\r\n')
  if (headerEnd < 0) return 0
  const body = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, headerEnd))?.[1] ?? '0'
  const length = headerEnd + 4 + Number(body)
  return text.length >= length ? length : 0
}

function respond(socket: Socket, request: string): void {
  const path = request.slice(request.indexOf(' ') + 1, request.indexOf(' HTTP/1.1'))
  const scenario = path.slice(1, path.indexOf('/', 1)) as Scenario
  const { head, rest } = answer(apiOf(path), scenario, request.includes('"include_usage":true'))
  socket.write(head)
  if (rest.length === 0) return
  if (scenario === 'first') {
    setTimeout(() => socket.write(rest), pauseMs)
    return
  }
  const drip = setInterval(() => socket.write(rest), pauseMs)
  socket.once('close', () => {
    clearInterval(drip)
    process.send?.({ closedAt: String(process.hrtime.bigint()) })
  })
}

function apiOf(path: string): Api {
  if (path.includes('/chat/completions')) return 'openai'
  return path.includes('/messages') ? 'anthropic' : 'google'
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : 0 })
})
process.on('disconnect', () => process.exit())
