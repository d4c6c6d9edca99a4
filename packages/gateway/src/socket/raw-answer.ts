/** Answers on a connection that asked to become a socket, and is not to: HTTP as it is written. */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

export interface RawAnswer {
  readonly status: number
  /** @default what the status is called */
  readonly statusText?: string | undefined
  /** Names and values by turns. The connection ends behind the answer, which is said here. */
  readonly headers: readonly string[]
}

/** How long an answer may take to leave, in ms. */
const flushMs = 10_000

function headOf({ status, statusText, headers }: RawAnswer): string {
  const lines = [`HTTP/1.1 ${status} ${statusText || (STATUS_CODES[status] ?? '')}`]
  for (let index = 0; index + 1 < headers.length; index += 2) {
    lines.push(`${headers[index]}: ${headers[index + 1]}`)
  }
  return `${lines.join('\r\n')}\r\nconnection: close\r\n\r\n`
}

/** Writes a whole answer and ends the connection. */
export function writeAnswer(socket: Duplex, answer: RawAnswer, body: Buffer): void {
  if (socket.destroyed) return
  socket.write(headOf(answer), 'latin1')
  socket.end(body)
  linger(socket)
}

/**
 * Writes an answer whose body is that of another, and ends the connection behind it; where that one breaks off, it is
 * broken off too.
 * @param ended called with how many bytes of it came, and whether all did.
 */
export function relayAnswer(
  socket: Duplex,
  answer: RawAnswer,
  body: IncomingMessage,
  ended: (bytes: number, isWhole: boolean) => void,
): void {
  let bytes = 0
  let isOver = false
  const end = (isWhole: boolean): void => {
    if (isOver) return
    isOver = true
    if (isWhole) {
      socket.end()
      linger(socket)
    } else {
      socket.destroy()
      body.destroy()
    }
    ended(bytes, isWhole)
  }
  if (!socket.destroyed) socket.write(headOf(answer), 'latin1')
  body.on('data', (piece: Buffer) => {
    bytes += piece.length
    if (socket.write(piece)) return
    body.pause()
    socket.once('drain', () => body.resume())
  })
  body.once('end', () => end(true))
  body.once('error', () => end(false))
  body.once('close', () => end(body.complete))
  socket.once('close', () => end(false))
}

/** Takes what the caller still says, so that it comes to read the answer. */
function linger(socket: Duplex): void {
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), flushMs)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
}
