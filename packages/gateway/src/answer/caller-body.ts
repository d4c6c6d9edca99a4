/** The body that a caller gets, as it goes out. */
import type { ServerResponse } from 'node:http'
import { drained } from './caller-socket.ts'

export class CallerBody {
  bytesOut = 0
  /** What went out can be followed by an event. */
  endsWithBlank = true
  readonly #response: ServerResponse
  /** How much is still to come of a body whose length was stated: the last of it waits for the end. */
  #left = Infinity
  #last: Uint8Array | undefined

  constructor(response: ServerResponse) {
    this.#response = response
  }

  /** A caller that knows the length takes the last byte for the end: it is kept until that has come. */
  keepsLast(length: number): void {
    this.#left = length
  }

  /** @returns a promise where nothing more is to be written before it is resolved. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length === 0) return undefined
    this.#left -= bytes.length
    if (this.#left <= 0) {
      this.#last = this.#last === undefined ? bytes : Buffer.concat([this.#last, bytes])
      return undefined
    }
    return this.#send(bytes) ? undefined : drained(this.#response)
  }

  end(rest: Uint8Array, trailers: [string, string][]): void {
    if (this.#last !== undefined) this.#send(this.#last)
    if (rest.length > 0) this.#send(rest)
    if (trailers.length > 0) this.#response.addTrailers(trailers)
    this.#response.end()
  }

  #send(bytes: Uint8Array): boolean {
    this.bytesOut += bytes.length
    this.endsWithBlank = endsWithBlankLine(bytes)
    return this.#response.write(bytes)
  }
}

function endsWithBlankLine({ buffer, byteOffset, length }: Uint8Array): boolean {
  const last = Math.min(4, length)
  const end = Buffer.from(buffer, byteOffset + length - last, last).toString('latin1')
  return end.endsWith('\n\n') || end.endsWith('\r\r') || end.endsWith('\r\n\r\n')
}
