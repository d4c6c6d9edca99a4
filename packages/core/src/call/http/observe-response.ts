import { isOpaque, observeBody, respond } from './body-observer.ts'
import { joined } from './joined.ts'
import type { ObservedCall } from '../observed-call.ts'
import { isNodeBody, observedNodeBody } from './node-body.ts'
import { httpHeaders } from '../../wire/http-headers.ts'
import { ResponseCopy } from './response-copies.ts'
import { followAnswer, whenDropped } from '../registry.ts'

let isBypassed = false

/**
 * Runs what reads a response for the SDK's stream, which is observed itself: it looks for the body as
 * soon as it is asked for its first event. Only what runs synchronously is meant.
 */
export function bypassObservation<Result>(work: () => Result): Result {
  isBypassed = true
  try {
    return work()
  } finally {
    isBypassed = false
  }
}

/**
 * Observes a raw response whose body the caller reads. The object stays the same; each way
 * of reading it passes what is read through the observer. Never `clone()` or `tee()` of our own:
 * they would buffer the body and keep a cancelled request running.
 */
export function observeResponse(
  response: Response,
  call: ObservedCall,
  branch: ResponseCopy = ResponseCopy.first(call),
): Response {
  if (!followAnswer(response, call)) return response
  call.headers = httpHeaders(response.headers)
  const contentType = response.headers.get('content-type') ?? ''
  if (isOpaque(call, contentType)) {
    if (call.mayBeInside) respondSoon(response, call)
    else call.respond(undefined)
    return response
  }
  whenDropped(response, branch)

  const bytes = (read: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    const body = observeBody(call, contentType)
    const passed = [body.push(read), body.finish()]
    return body.rewrites ? new Uint8Array(joined(passed)) : read
  }
  const text = (read: string): string => {
    const body = observeBody(call, contentType)
    const passed: Uint8Array[] = []
    for (const piece of encoded(read)) {
      const shown = body.push(piece)
      if (body.rewrites) passed.push(shown)
    }
    passed.push(body.finish())
    return body.rewrites ? new TextDecoder().decode(joined(passed)) : read
  }

  const whole = async (read: () => unknown): Promise<unknown> => {
    // A reading that is refused because of an earlier one is not the end of the body.
    const isFirst = !response.bodyUsed
    try {
      return await read()
    } catch (error) {
      if (isFirst) branch.dropped()
      await call.stored
      throw error
    }
  }

  replace(response, 'json', async (original) => {
    const value: unknown = await whole(original)
    respond(call, value)
    return await whenStored(value, call)
  })
  replace(response, 'text', async (original) =>
    whenStored(text((await whole(original)) as string), call),
  )
  replace(response, 'arrayBuffer', async (original) => {
    const passed = bytes(new Uint8Array((await whole(original)) as ArrayBuffer))
    return await whenStored(passed.buffer, call)
  })
  replace(response, 'bytes', async (original) =>
    whenStored(bytes((await whole(original)) as Uint8Array<ArrayBuffer>), call),
  )
  // Of node-fetch.
  replace(response, 'buffer', async (original) => {
    const passed = bytes((await whole(original)) as Uint8Array<ArrayBuffer>)
    return await whenStored(Buffer.from(passed.buffer, passed.byteOffset, passed.byteLength), call)
  })
  replace(response, 'blob', async (original) => {
    const blob = (await whole(original)) as Blob
    const passed = bytes(new Uint8Array(await blob.arrayBuffer()))
    return await whenStored(new Blob([passed], { type: blob.type }), call)
  })
  replace(response, 'clone', (original) =>
    observeResponse(original() as Response, call, branch.another()),
  )
  observeBodyProperty(response, call, contentType, branch)
  return response
}

/** The bytes of a text, some at a time: what the caller has of a long one is enough of it in memory. */
function* encoded(text: string): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = Math.min(start + 2 ** 16, text.length)
    // Not between the halves of one character.
    if (end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end++
    yield encoder.encode(text.slice(start, end))
  }
}

/**
 * Settles a call whose body nobody looks at: as soon as somebody has read it, or else in the next turn.
 * Until then a call around this one can take the answer.
 */
function respondSoon(response: Response, call: ObservedCall): void {
  const cancel = call.defer(() => call.respond(undefined), 0)
  const responded = async (read: () => unknown): Promise<unknown> => {
    const value = await read()
    cancel()
    call.respond(undefined)
    return await whenStored(value, call)
  }
  for (const method of ['arrayBuffer', 'bytes', 'blob'] as const) {
    replace(response, method, responded)
  }
}

/** A value that the caller gets once the usage is stored, where the outbox needs time for it. */
function whenStored<Value>(value: Value, { stored }: ObservedCall): Value | Promise<Value> {
  return stored === undefined ? value : stored.then(() => value)
}

function replace(
  response: Response,
  method: 'json' | 'text' | 'arrayBuffer' | 'bytes' | 'buffer' | 'blob' | 'clone',
  replacement: (original: () => unknown) => unknown,
): void {
  const original: unknown = Reflect.get(response, method)
  if (typeof original !== 'function') return
  Object.defineProperty(response, method, {
    configurable: true,
    writable: true,
    value: () => replacement(() => original.call(response)),
  })
}

function observeBodyProperty(
  response: Response,
  call: ObservedCall,
  contentType: string,
  branch: ResponseCopy,
): void {
  let wrapped: object | undefined
  // Through the prototype's getter: reading the property must not lock the body.
  const original = () => Reflect.get(Object.getPrototypeOf(response), 'body', response) as unknown
  Object.defineProperty(response, 'body', {
    configurable: true,
    get: () => {
      const body = original() as ReadableStream<Uint8Array> | null
      if (isBypassed) return body
      // Read already, by another way: there is nothing to pass on but what it says of that.
      if (wrapped === undefined && (body?.locked || response.bodyUsed)) return body
      if (isNodeBody(body)) {
        return (wrapped ??= observedNodeBody(body, response, call, contentType, branch))
      }
      if (typeof body?.getReader !== 'function') return body
      wrapped ??= observedStream(
        original as () => ReadableStream<Uint8Array>,
        call,
        contentType,
        branch,
      )
      return wrapped
    },
  })
}

/**
 * @param body asked for when it is read: cloning the response gives it another one. It holds the
 * response, which must not count as dropped while only its body is in use.
 */
function observedStream(
  body: () => ReadableStream<Uint8Array>,
  call: ObservedCall,
  contentType: string,
  branch: ResponseCopy,
): ReadableStream<Uint8Array> {
  const observer = observeBody(call, contentType)
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  let readBytes = 0
  let isLeft = false
  return new ReadableStream(
    {
      type: 'bytes',
      // Pulled only when the caller reads, so that back-pressure reaches the provider.
      async pull(controller) {
        reader ??= body().getReader()
        for (;;) {
          const { done, value } = await reader.read().catch((error: unknown) => {
            branch.interrupt(observer, readBytes)
            throw error
          })
          // A reading that was under way when the caller left ends like a body: it is none.
          if (isLeft) return
          readBytes += value?.byteLength ?? 0
          const piece = done ? observer.finish() : observer.push(value)
          const passed = piece.byteLength > 0
          // Not later: some SDKs read no further than the server's last word.
          if (observer.isOver && call.stored !== undefined) await call.stored
          if (passed) controller.enqueue(piece as Uint8Array<ArrayBuffer>)
          if (done) {
            if (call.stored !== undefined) await call.stored
            controller.close()
            controller.byobRequest?.respond(0)
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
}
