/** Reads encoded request bodies, for the meter alone: they go on as they came. */
import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import { GatewayRefusal } from '../refusal.ts'
import { tooLarge, tooMany } from './read-body.ts'

/** By name, of which some stand for others. Zstandard came with Node 22.15. */
const decoders: Readonly<Record<string, ((bytes: Buffer) => Transform) | undefined>> = {
  gzip: () => zlib.createGunzip(),
  // With a header of zlib's, as the RFC has it, or bare, as some send it.
  deflate: (bytes) =>
    ((bytes[0] ?? 0) & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw(),
  br: () => zlib.createBrotliDecompress(),
  ...(typeof zlib.createZstdDecompress === 'function' && {
    zstd: () => zlib.createZstdDecompress(),
  }),
}

/** What a text becomes at the most: what grows more was made to. */
const mostRatio = 50
/** So much is no harm, whatever it came from. */
const harmlessBytes = 2 ** 20

/** Nobody encodes more often than once, but for whoever wants to find out what happens. */
const mostEncodings = 2

/** The encodings of a `Content-Encoding`, in the order in which they were applied. */
export function encodingsOf(contentEncoding: string | null): readonly string[] {
  if (contentEncoding === null) return []
  return contentEncoding
    .split(',')
    .map((name) => name.trim().toLowerCase().replace(/^x-/, ''))
    .filter((name) => name !== '' && name !== 'identity')
}

/** What decoded bytes are counted by, as they come. */
export interface DecodeLimits {
  readonly maxBytes: number
  /** @returns false where there is no room for so many more. @default there always is */
  readonly take?: (bytes: number) => boolean
}

/**
 * @throws GatewayRefusal 415 for an encoding that is not known, 400 for what is not encoded so, 413 for what
 * is longer than a body may be once it is decoded, or than any text becomes, 503 where `take` has no room.
 */
export async function decodedBody(
  bytes: Buffer,
  encodings: readonly string[],
  { maxBytes, take = () => true }: DecodeLimits,
): Promise<Buffer> {
  if (encodings.length > mostEncodings) throw unknownEncoding(encodings.join(', '))
  const most = Math.min(maxBytes, Math.max(harmlessBytes, bytes.length * mostRatio))
  let decoded = bytes
  for (const name of encodings.toReversed()) {
    const decoder = Object.hasOwn(decoders, name) ? decoders[name] : undefined
    if (decoder === undefined) throw unknownEncoding(name)
    const pieces: Buffer[] = []
    let length = 0
    try {
      // Whatever ends the loop destroys the decoder.
      for await (const piece of decoder(decoded).end(decoded) as AsyncIterable<Buffer>) {
        length += piece.length
        if (length > most) throw most < maxBytes ? tooDense() : tooLarge(maxBytes)
        if (!take(piece.length)) throw tooMany()
        pieces.push(piece)
      }
    } catch (cause) {
      if (cause instanceof GatewayRefusal) throw cause
      throw new GatewayRefusal(400, 'invalid_request', `the body of the request is no ${name}`, {
        cause,
      })
    }
    decoded = Buffer.concat(pieces, length)
  }
  return decoded
}

function tooDense(): GatewayRefusal {
  return new GatewayRefusal(
    413,
    'too_large',
    `the body of the request is more than ${mostRatio} times as long once it is decoded: send it as it is`,
  )
}

function unknownEncoding(name: string): GatewayRefusal {
  const known = Object.keys(decoders).join(', ')
  return new GatewayRefusal(
    415,
    'invalid_request',
    `the body of the request is encoded as "${name.slice(0, 40)}", and only ${known} can be read here`,
  )
}
