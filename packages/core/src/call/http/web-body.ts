import { handleRejection } from '../../lib/promises.ts'
import type { ObservedCall } from '../observed-call.ts'
import type { StreamStop } from '../stream-progress.ts'
import type { BodyObserver } from './body-observer.ts'
import type { ResponseCopy } from './response-copies.ts'

/**
 * A stream that is read through the observer, as its reader pulls.
 *
 * @param body asked for when it is read: cloning the response gives it another one. It holds the
 * response, which must not count as dropped while only its body is in use.
 */
export function observedWebBody(
  body: () => ReadableStream<Uint8Array>,
  call: ObservedCall,
  observer: BodyObserver,
  branch: ResponseCopy,
): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  let readBytes = 0
  let isLeft = false
  // Of bytes where that one is, whose pieces are nobody else's. What an application made itself may be
  // of anything, and its pieces are its own: a stream of bytes would take their memory from it.
  const type = (isOfBytes(body()) ? 'bytes' : undefined) as 'bytes'
  const stream = new ReadableStream<Uint8Array>(
    {
      type,
      // Pulled only when the caller reads, so that back-pressure reaches the provider.
      async pull(controller) {
        reader ??= body().getReader()
        for (;;) {
          if (observer.stopped !== undefined) return await stoppedBy(observer.stopped, call)
          let result: ReadableStreamReadResult<Uint8Array>
          try {
            result = await reader.read()
          } catch (error) {
            branch.interrupt(observer, readBytes)
            throw error
          }
          const { done, value } = result
          if (done && observer.stopped !== undefined) return await stoppedBy(observer.stopped, call)
          // A reading that was under way when the caller left ends like a body: it is none.
          if (isLeft) return
          if (!done && !(value instanceof Uint8Array)) return controller.enqueue(value)
          readBytes += value?.byteLength ?? 0
          const piece = done ? observer.finish() : observer.push(value)
          const passed = piece.byteLength > 0
          // Not later: some SDKs read no further than the server's last word.
          if (observer.isOver && call.stored !== undefined) await call.stored
          if (passed) controller.enqueue(piece as Uint8Array<ArrayBuffer>)
          if (done) {
            if (call.stored !== undefined) await call.stored
            controller.close()
            ;(controller as ReadableByteStreamController).byobRequest?.respond(0)
            return
          }
          if (passed) return
        }
      },
      async cancel(reason) {
        isLeft = true
        try {
          await (reader ?? body()).cancel(reason)
        } finally {
          branch.interrupt(observer, readBytes)
        }
        // Some SDKs read no further than the server's last word.
        if (observer.isOver && call.stored !== undefined) await call.stored
      },
    },
    { highWaterMark: 0 },
  )
  observer.whenStopped?.(stream, () => handleRejection(reader?.cancel()))
  return stream
}

function isOfBytes(body: ReadableStream<Uint8Array>): boolean {
  try {
    body.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}

/** The guard has ended the stream: the reader is told once what was used is stored. */
async function stoppedBy({ reason }: StreamStop, call: ObservedCall): Promise<never> {
  await call.stored
  throw reason
}
