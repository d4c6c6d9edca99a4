/** Reads the body of a request whole, within bounds: how long it may be, how much all may be, how slow it may come. */
import type { IncomingMessage } from 'node:http'
import { GatewayRefusal } from '../refusal.ts'
import type { BytesInFlight } from './bytes-in-flight.ts'

export interface BodyLimits {
  readonly maxBodyBytes: number
  readonly inFlight: BytesInFlight
  /** How long nothing may come of it. */
  readonly idleMs: number
}

/** The caller hung up: there is nobody to answer. */
export class ClientLeft extends Error {
  override readonly name = 'ClientLeft'
}

/** Bytes that count against those in flight until they are released. */
export interface HeldBytes {
  readonly bytes: Buffer
  /** Once they are needed no more; again it does nothing. */
  release(): void
}

/**
 * @throws GatewayRefusal 413 and 503 as soon as it is known, from the length that is stated or from what has
 * come; 408 where nothing comes any more. ClientLeft where the caller hangs up.
 */
export async function readBody(
  request: IncomingMessage,
  { maxBodyBytes, inFlight, idleMs }: BodyLimits,
): Promise<HeldBytes> {
  const stated = Number(request.headers['content-length'] ?? 0)
  if (stated > maxBodyBytes) throw tooLarge(maxBodyBytes)
  if (!inFlight.fits(stated)) throw tooMany()
  let held = 0
  const pieces: Buffer[] = []
  const release = (): void => {
    inFlight.give(held)
    held = 0
  }
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(tooSlow()), idleMs)
      const stop = (settle: () => void): void => {
        clearTimeout(timer)
        request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
        settle()
      }
      const onData = (piece: Buffer): void => {
        timer.refresh()
        if (held + piece.length > maxBodyBytes) return stop(() => reject(tooLarge(maxBodyBytes)))
        if (!inFlight.take(piece.length)) return stop(() => reject(tooMany()))
        held += piece.length
        pieces.push(piece)
      }
      const onEnd = (): void => stop(resolve)
      const onClose = (): void => stop(() => reject(new ClientLeft()))
      request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
      if (request.destroyed && !request.readableEnded) onClose()
    })
  } catch (error) {
    release()
    throw error
  }
  return {
    bytes: pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, held),
    release,
  }
}

export function tooLarge(maxBytes: number): GatewayRefusal {
  const size = `${Math.floor(maxBytes / 2 ** 20)} MiB`
  return new GatewayRefusal(413, 'too_large', `the body of a request may have up to ${size} here`)
}

export function tooMany(): GatewayRefusal {
  return new GatewayRefusal(
    503,
    'unavailable',
    'the gateway holds as many bytes of requests as it may: try again in a moment',
    { retryAfterMs: 1000 },
  )
}

function tooSlow(): GatewayRefusal {
  return new GatewayRefusal(408, 'invalid_request', 'the body of the request did not come in time')
}
