/**
 * Events in the binary frames of AWS (`application/vnd.amazon.eventstream`), which Bedrock streams:
 *
 *     total length 4 | length of the headers 4 | CRC of these 4 | headers | payload | CRC of it all 4
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
 *
 * An event is what the AWS SDK shows of it, an object with one key, so that one reader serves the wire
 * and a middleware of the SDK:
 *
 * - `{ [event type]: payload }`, as `{ metadata: { usage: { inputTokens: 5, ... } } }` of ConverseStream;
 * - `{ chunk: { bytes } }` of InvokeModelWithResponseStream: its bytes, a `Uint8Array`, are the JSON of the
 *   model's maker;
 * - `{ [exception type]: payload }` for an exception, as `{ throttlingException: { message } }`;
 * - `{ error: { code, message } }` for an error that has no type.
 */
import { parsedJson } from '../../lib/json.ts'
import { copyOf, joined } from './joined.ts'

/** Who is shown the events of a body. */
export interface FrameWatch {
  event(event: unknown): void
  /** From here on nothing can be read: the bytes are no frames, or one was too long to be kept. */
  lost(): void
}

type Bytes = Uint8Array

/** AWS allows 16 MB of payload. */
const longestFrame = 24 * 2 ** 20
const preludeLength = 12
const crcLength = 4

/** Cuts the bytes of a body into frames, wherever its pieces begin and end, and keeps no more than one. */
export class EventFrames {
  readonly #watch: FrameWatch
  #pieces: Bytes[] = []
  #length = 0
  /** How many bytes have to be here before there is anything to see. */
  #needed = preludeLength
  #isLost = false

  constructor(watch: FrameWatch) {
    this.#watch = watch
  }

  push(piece: Bytes): void {
    if (this.#isLost) return
    // A copy of what stays: the caller may use the memory of what was pushed again.
    if (this.#length + piece.length < this.#needed) return this.#keep(copyOf(piece))
    const bytes = joined([...this.#pieces, piece])
    this.#pieces = []
    this.#length = 0
    let start = 0
    while (bytes.length - start >= preludeLength) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + start)
      const total = view.getUint32(0)
      const headersEnd = preludeLength + view.getUint32(4)
      const isFrame =
        headersEnd + crcLength <= total &&
        total <= longestFrame &&
        view.getUint32(8) === crc32(bytes.subarray(start, start + 8))
      if (!isFrame) return this.#lose()
      this.#needed = total
      if (bytes.length - start < total) break
      this.#see(bytes.subarray(start, start + total), headersEnd)
      start += total
      this.#needed = preludeLength
    }
    if (start < bytes.length) this.#keep(copyOf(bytes, start))
  }

  #keep(piece: Bytes): void {
    this.#pieces.push(piece)
    this.#length += piece.length
  }

  #lose(): void {
    this.#isLost = true
    this.#watch.lost()
  }

  #see(frame: Bytes, headersEnd: number): void {
    const headers = textHeaders(frame.subarray(preludeLength, headersEnd))
    const event = frameEvent(headers, frame.subarray(headersEnd, frame.length - crcLength))
    if (event !== undefined) this.#watch.event(event)
  }
}

const utf8 = new TextDecoder()

function frameEvent(headers: ReadonlyMap<string, string>, payload: Bytes): object | undefined {
  if (headers.get(':message-type') === 'error') {
    return { error: { code: headers.get(':error-code'), message: headers.get(':error-message') } }
  }
  const type = headers.get(':exception-type') ?? headers.get(':event-type')
  const value = fieldsOf(utf8.decode(payload))
  if (type === undefined || value === undefined) return undefined
  const isChunk = type === 'chunk' && typeof value.bytes === 'string'
  return { [type]: isChunk ? { ...value, bytes: fromBase64(value.bytes as string) } : value }
}

function fieldsOf(payload: string): Record<string, unknown> | undefined {
  const value = parsedJson(payload)
  return typeof value === 'object' && value !== null ? { ...value } : undefined
}

function fromBase64(text: string): Bytes | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** How many bytes the value of a header has, by its type; of types 6 and 7 a length goes before it. */
const valueLengths = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16]
const textType = 7

function textHeaders(bytes: Bytes): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at < bytes.length) {
    const nameEnd = at + 1 + view.getUint8(at)
    if (nameEnd >= bytes.length) break
    const type = view.getUint8(nameEnd)
    if (type >= valueLengths.length) break
    const fixed = valueLengths[type]
    const start = nameEnd + (fixed === undefined ? 3 : 1)
    if (start > bytes.length) break
    const end = start + (fixed ?? view.getUint16(nameEnd + 1))
    if (type === textType) {
      headers.set(
        utf8.decode(bytes.subarray(at + 1, nameEnd)),
        utf8.decode(bytes.subarray(start, end)),
      )
    }
    at = end
  }
  return headers
}

let crcTable: Uint32Array | undefined

function crc32(bytes: Bytes): number {
  crcTable ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    return crc
  })
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crcTable[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
