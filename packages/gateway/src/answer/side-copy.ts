/** Decodes an answer piece by piece, beside the bytes that go on as they came. */
import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import { encodingsOf } from '../request/decoded-body.ts'

/** Bytes as they came in, decoded bytes out. One at a time: the next piece waits for the one before. */
export interface PieceDecoder {
  /** @throws where it is not encoded as it says, or breaks off; whatever comes then is lost. */
  decode(piece: Uint8Array): Promise<readonly Uint8Array[]>
  /** @throws where it ends in the middle. */
  finish(): Promise<readonly Uint8Array[]>
  /** Nothing more is asked of it. */
  close(): void
}

/** @returns `undefined` where nothing has to be decoded; `'unknown'` for what cannot be. */
export function pieceDecoder(contentEncoding: string | null): PieceDecoder | 'unknown' | undefined {
  const encodings = encodingsOf(contentEncoding)
  if (encodings.length === 0) return undefined
  const [encoding] = encodings
  if (encoding === undefined || encodings.length > 1) return 'unknown'
  if (encoding === 'deflate') return new Decoding(undefined)
  const transform = openTransform(encoding)
  return transform === undefined ? 'unknown' : new Decoding(transform)
}

/** What comes is shown at once: an event must not wait for the next one. */
const atOnce = { flush: zlib.constants.Z_SYNC_FLUSH }

function openTransform(encoding: string): Transform | undefined {
  switch (encoding) {
    case 'gzip':
      return zlib.createGunzip(atOnce)
    case 'br':
      return zlib.createBrotliDecompress({ flush: zlib.constants.BROTLI_OPERATION_FLUSH })
    case 'zstd':
      // Came with Node 22.15.
      return typeof zlib.createZstdDecompress === 'function'
        ? zlib.createZstdDecompress({ flush: zlib.constants.ZSTD_e_flush })
        : undefined
    default:
      return undefined
  }
}

class Decoding implements PieceDecoder {
  /** Of `deflate` it is known with the first byte: with a header of zlib's, or bare. */
  #transform: Transform | undefined
  #decoded: Uint8Array[] = []
  #error: Error | undefined

  constructor(transform: Transform | undefined) {
    if (transform !== undefined) this.#use(transform)
  }

  #use(transform: Transform): void {
    this.#transform = transform
    transform.on('data', (piece: Uint8Array) => this.#decoded.push(piece))
    transform.on('error', (error) => (this.#error ??= error))
  }

  decode(piece: Uint8Array): Promise<readonly Uint8Array[]> {
    if (piece.length === 0) return Promise.resolve([])
    if (this.#transform === undefined) {
      const isWrapped = ((piece[0] ?? 0) & 0x0f) === 8
      this.#use(isWrapped ? zlib.createInflate(atOnce) : zlib.createInflateRaw(atOnce))
    }
    return this.#after((transform, done) => transform.write(piece, done))
  }

  finish(): Promise<readonly Uint8Array[]> {
    return this.#after((transform, done) => {
      // `end` calls back on `finish`, before the last of what was decoded has come.
      transform.once('end', done)
      transform.end()
    })
  }

  close(): void {
    this.#transform?.destroy()
  }

  #after(
    act: (transform: Transform, done: (error?: Error | null) => void) => void,
  ): Promise<readonly Uint8Array[]> {
    const transform = this.#transform
    if (transform === undefined) return Promise.resolve([])
    return new Promise((resolve, reject) => {
      const settle = (error?: Error | null): void => {
        transform.off('error', settle).off('close', onClose)
        const failed = error ?? this.#error
        if (failed) return reject(failed)
        const decoded = this.#decoded
        this.#decoded = []
        resolve(decoded)
      }
      const onClose = (): void => settle(new Error('the answer could not be decoded to its end'))
      transform.once('error', settle).once('close', onClose)
      if (this.#error !== undefined || transform.destroyed) return onClose()
      act(transform, settle)
    })
  }
}
