/** What is done with the connection of a caller, beside answering. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Resolves when more can be written, or nothing can be any more. */
export function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed || !response.writableNeedDrain) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

/**
 * Sends the head of an answer before its body. Node's `flushHeaders` does that in UTF-8, which doubles each byte above
 * ASCII.
 */
export function sendHead(response: ServerResponse): void {
  response.write(Buffer.alloc(0))
}

/** How long what was written may take to leave before the connection ends. */
const mostFlushMs = 5000

/**
 * Ends a connection in the middle of an answer, behind all that was written. In chunks the end is missing, and of
 * a length a part; a caller of HTTP/1.0 has neither, and gets a reset.
 */
export function breakOff(response: ServerResponse): void {
  const { socket } = response
  if (socket === null || socket.destroyed) return void response.destroy()
  const end = (): void => {
    clearTimeout(timer)
    cut(response)
  }
  const timer = setTimeout(end, mostFlushMs)
  // An empty write is called back once all that was written before has left.
  if (socket.writableLength === 0) end()
  else socket.write('', end)
}

/** Ends a connection at once, whatever has not left yet. */
export function cut(response: ServerResponse): void {
  const { socket, req } = response
  if (socket === null || socket.destroyed) return void response.destroy()
  if (req.httpVersion === '1.0') socket.resetAndDestroy()
  else socket.destroy()
}

/** How long the rest of a request is taken that was answered before it came. */
const mostLingerMs = 10_000

/**
 * Takes what a caller still sends of a request that was answered already, so that it comes to read the answer:
 * a connection that is closed with bytes unread is reset, and takes the answer with it.
 */
export function linger(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return
  request.resume()
  const timer = setTimeout(() => request.socket.destroy(), mostLingerMs)
  timer.unref()
  const stop = (): void => clearTimeout(timer)
  request.once('end', stop).once('close', stop)
}
