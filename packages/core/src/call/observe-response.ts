import { observeBody } from './body-observer.ts'
import type { ObservedCall } from './observed-call.ts'
import { whenDropped } from './when-dropped.ts'

const observed = new WeakSet<object>()

/**
 * Observes a raw response whose body the caller reads himself. The object stays the same; each way
 * of reading it passes what is read through the observer. Never `clone()` or `tee()` of our own:
 * they would buffer the body and keep a cancelled request running.
 */
export function observeResponse(response: Response, call: ObservedCall): Response {
  if (observed.has(response)) return response
  observed.add(response)
  whenDropped(response, call)
  const contentType = response.headers.get('content-type') ?? ''

  const text = (read: string): string => {
    const body = observeBody(call, contentType)
    return body.push(read) + body.finish()
  }
  const bytes = (read: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    const body = observeBody(call, contentType)
    const passed = body.push(new TextDecoder().decode(read)) + body.finish()
    return body.rewrites ? new TextEncoder().encode(passed) : read
  }

  replace(response, 'json', async (original) => {
    const value: unknown = await original()
    call.respond(value)
    return value
  })
  replace(response, 'text', async (original) => text((await original()) as string))
  replace(response, 'arrayBuffer', async (original) => {
    return bytes(new Uint8Array((await original()) as ArrayBuffer)).buffer
  })
  replace(response, 'bytes', async (original) =>
    bytes((await original()) as Uint8Array<ArrayBuffer>),
  )
  replace(response, 'blob', async (original) => {
    const blob = (await original()) as Blob
    return new Blob([bytes(new Uint8Array(await blob.arrayBuffer()))], { type: blob.type })
  })
  replace(response, 'clone', (original) => observeResponse(original() as Response, call))
  observeBodyProperty(response, call, contentType)
  return response
}

function replace(
  response: Response,
  method: 'json' | 'text' | 'arrayBuffer' | 'bytes' | 'blob' | 'clone',
  replacement: (original: () => unknown) => unknown,
): void {
  const original: unknown = response[method]
  if (typeof original !== 'function') return
  Object.defineProperty(response, method, {
    configurable: true,
    writable: true,
    value: () => replacement(() => original.call(response)),
  })
}

function observeBodyProperty(response: Response, call: ObservedCall, contentType: string): void {
  let wrapped: ReadableStream<Uint8Array> | undefined
  // Through the prototype's getter: reading the property must not lock the body.
  const original = () => Reflect.get(Object.getPrototypeOf(response), 'body', response) as unknown
  Object.defineProperty(response, 'body', {
    configurable: true,
    get: () => {
      const body = original() as ReadableStream<Uint8Array> | null
      // node-fetch (SDK 4) has Node streams here.
      if (typeof body?.getReader !== 'function') return body
      wrapped ??= observedStream(body, call, contentType)
      return wrapped
    },
  })
}

function observedStream(
  body: ReadableStream<Uint8Array>,
  call: ObservedCall,
  contentType: string,
): ReadableStream<Uint8Array> {
  const observer = observeBody(call, contentType)
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  return new ReadableStream(
    {
      type: 'bytes',
      // Pulled only when the caller reads, so that back-pressure reaches the provider.
      async pull(controller) {
        reader ??= body.getReader()
        for (;;) {
          const { done, value } = await reader.read().catch((error: unknown) => {
            observer.interrupt()
            throw error
          })
          const text = done
            ? observer.push(decoder.decode()) + observer.finish()
            : observer.push(decoder.decode(value, { stream: true }))
          const piece = observer.rewrites ? encoder.encode(text) : value
          const passed = piece !== undefined && piece.byteLength > 0
          if (passed) controller.enqueue(piece as Uint8Array<ArrayBuffer>)
          if (done) {
            controller.close()
            controller.byobRequest?.respond(0)
            return
          }
          if (passed) return
        }
      },
      async cancel(reason) {
        await (reader ?? body).cancel(reason)
        observer.interrupt()
      },
    },
    { highWaterMark: 0 },
  )
}
