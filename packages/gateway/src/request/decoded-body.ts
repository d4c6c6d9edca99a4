/** Reads encoded request bodies, for the meter alone: they go on as they came. */
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { GatewayRefusal } from '../refusal.ts'
import { tooLarge } from './read-body.ts'

type Decode = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

/** By name, of which some stand for others. Zstandard came with Node 22.15. */
const decoders: Readonly<Record<string, Decode | undefined>> = {
  gzip: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  deflate: inflate,
  br: promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress),
  ...(typeof zlib.zstdDecompress === 'function' && {
    zstd: promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress),
  }),
}

/** With a header of zlib's, as the RFC has it, or bare, as some send it. */
function inflate(bytes: Buffer, options: { maxOutputLength: number }): Promise<Buffer> {
  const isWrapped = ((bytes[0] ?? 0) & 0x0f) === 8
  const decode = isWrapped ? zlib.inflate : zlib.inflateRaw
  return promisify<Buffer, zlib.ZlibOptions, Buffer>(decode)(bytes, options)
}

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

/**
 * @throws GatewayRefusal 415 for an encoding that is not known, 400 for what is not encoded so, 413 for what
 * is longer than a body may be once it is decoded.
 */
export async function decodedBody(
  bytes: Buffer,
  encodings: readonly string[],
  maxBytes: number,
): Promise<Buffer> {
  if (encodings.length > mostEncodings) throw unknownEncoding(encodings.join(', '))
  let decoded = bytes
  for (const name of encodings.toReversed()) {
    const decode = Object.hasOwn(decoders, name) ? decoders[name] : undefined
    if (decode === undefined) throw unknownEncoding(name)
    try {
      decoded = await decode(decoded, { maxOutputLength: maxBytes })
    } catch (cause) {
      if ((cause as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes)
      throw new GatewayRefusal(400, 'invalid_request', `the body of the request is no ${name}`, {
        cause,
      })
    }
  }
  return decoded
}

function unknownEncoding(name: string): GatewayRefusal {
  const known = Object.keys(decoders).join(', ')
  return new GatewayRefusal(
    415,
    'invalid_request',
    `the body of the request is encoded as "${name.slice(0, 40)}", and only ${known} can be read here`,
  )
}
