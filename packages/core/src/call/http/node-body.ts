import type { Readable } from 'node:stream'
import type { ObservedCall } from '../observed-call.ts'
import { observeBody } from './body-observer.ts'
import type { ResponseCopy } from './response-copies.ts'

/** True for the body of a response of node-fetch, which some SDKs bring along: a stream of Node's. */
export function isNodeBody(body: unknown): body is Readable {
  const { pipe, destroy } = (body ?? {}) as Partial<Readable>
  return typeof pipe === 'function' && typeof destroy === 'function'
}

/** A response must not count as dropped while only its body is in use. */
const responses = new WeakMap<Readable, Response>()

/**
 * A stream that has what the given one has, read through the observer, as its reader takes it.
 * Destroying it destroys the one behind it, which closes the connection; a failure of that one is its own.
 */
export function observedNodeBody(
  body: Readable,
  response: Response,
  call: ObservedCall,
  contentType: string,
  branch: ResponseCopy,
): Readable {
  const { Transform, pipeline } = process.getBuiltinModule('node:stream')
  const observer = observeBody(call, contentType)
  let readBytes = 0
  const passed = (bytes: Uint8Array) => (bytes.byteLength > 0 ? bytes : undefined)
  const tap = new Transform({
    transform(piece: Uint8Array, _, done) {
      readBytes += piece.byteLength
      done(null, passed(observer.push(piece)))
    },
    flush(done) {
      const rest = passed(observer.finish())
      if (call.stored === undefined) done(null, rest)
      else void call.stored.then(() => done(null, rest))
    },
  })
  observer.whenStopped?.(tap, () => {
    const reason = observer.stopped?.reason
    closeSources(body)
    tap.destroy(reason instanceof Error ? reason : new Error(String(reason)))
  })
  responses.set(tap, response)
  return pipeline(body, tap, (error) => {
    if (error) branch.interrupt(observer, readBytes)
  })
}

/**
 * Has what is piped into a stream destroyed with it: node-fetch pipes the connection, which would stay open. Call it
 * before the stream is destroyed.
 */
function closeSources(stream: Readable): void {
  stream.once('unpipe', (source: Readable) => {
    closeSources(source)
    source.destroy()
  })
}
