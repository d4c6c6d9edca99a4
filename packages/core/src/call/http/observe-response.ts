import { type BodyObserver, isOpaque, observeBody, respond } from './body-observer.ts'
import { joined } from './joined.ts'
import type { ObservedCall } from '../observed-call.ts'
import { observedWebBody } from './web-body.ts'
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
  const reading = new ObservedReading(response, call, contentType, branch)
  // Once for each response: nothing is made for it that those before it have made.
  const isFirst = !(readingOf in response)
  if (isFirst) Object.defineProperty(response, readingOf, { value: reading })
  for (const method of methods) {
    if (isFirst && !Object.hasOwn(response, method)) {
      if (typeof Reflect.get(response, method) !== 'function') continue
      Object.defineProperty(response, method, sharedMethods[method])
    } else replace(response, method, (read) => reading[method](read))
  }
  const own = { configurable: true, get: () => reading.body }
  Object.defineProperty(response, 'body', isFirst ? sharedBody : own)
  return response
}

const methods = ['json', 'text', 'arrayBuffer', 'bytes', 'buffer', 'blob', 'clone'] as const
type Method = (typeof methods)[number]

/** How the response is read that has it. */
const readingOf = Symbol('token-meter.reading')

/**
 * In place of the methods of a response's class. Functions of its own for each response take ten
 * microseconds more, most of it for the getter, which makes an object unlike any other.
 */
const sharedMethods = Object.fromEntries(
  methods.map((method) => [method, sharedMethod(method)]),
) as {
  readonly [name in Method]: PropertyDescriptor
}

const sharedBody: PropertyDescriptor = {
  configurable: true,
  get(this: { readonly [readingOf]: ObservedReading }) {
    return this[readingOf].body
  },
}

function sharedMethod(method: Method): PropertyDescriptor {
  return {
    configurable: true,
    writable: true,
    value(this: { readonly [readingOf]: ObservedReading }) {
      const { [readingOf]: reading } = this
      const { response } = reading
      const original = Reflect.get(
        Object.getPrototypeOf(response) as object,
        method,
      ) as () => unknown
      return reading[method](() => original.call(response))
    },
  }
}

/** One response whose body is read through the observer, by whichever of its methods. */
class ObservedReading implements Record<Method, (read: () => unknown) => unknown> {
  readonly response: Response
  readonly #call: ObservedCall
  readonly #contentType: string
  readonly #branch: ResponseCopy
  #wrapped: object | undefined

  constructor(response: Response, call: ObservedCall, contentType: string, branch: ResponseCopy) {
    this.response = response
    this.#call = call
    this.#contentType = contentType
    this.#branch = branch
  }

  async json(read: () => unknown): Promise<unknown> {
    const value: unknown = await this.#whole(read)
    respond(this.#call, value)
    return await whenStored(value, this.#call)
  }

  async text(read: () => unknown): Promise<unknown> {
    const said = (await this.#whole(read)) as string
    const body = this.#observer()
    const passed: Uint8Array[] = []
    for (const piece of encoded(said)) {
      const shown = body.push(piece)
      if (body.rewrites) passed.push(shown)
    }
    passed.push(body.finish())
    const text = body.rewrites ? new TextDecoder().decode(joined(passed)) : said
    return await whenStored(text, this.#call)
  }

  async arrayBuffer(read: () => unknown): Promise<unknown> {
    const passed = this.#passed(new Uint8Array((await this.#whole(read)) as ArrayBuffer))
    return await whenStored(passed.buffer, this.#call)
  }

  async bytes(read: () => unknown): Promise<unknown> {
    const passed = this.#passed((await this.#whole(read)) as Uint8Array<ArrayBuffer>)
    return await whenStored(passed, this.#call)
  }

  /** Of node-fetch. */
  async buffer(read: () => unknown): Promise<unknown> {
    const passed = this.#passed((await this.#whole(read)) as Uint8Array<ArrayBuffer>)
    const { buffer, byteOffset, byteLength } = passed
    return await whenStored(Buffer.from(buffer, byteOffset, byteLength), this.#call)
  }

  async blob(read: () => unknown): Promise<unknown> {
    const blob = (await this.#whole(read)) as Blob
    const passed = this.#passed(new Uint8Array(await blob.arrayBuffer()))
    return await whenStored(new Blob([passed], { type: blob.type }), this.#call)
  }

  clone(read: () => unknown): Response {
    const copy = this.#asLocked(read) as Response
    return observeResponse(copy, this.#call, this.#branch.another())
  }

  get body(): object | null {
    const body = this.#ownBody()
    if (isBypassed) return body
    // Read already, by another way: there is nothing to pass on but what it says of that.
    if (this.#wrapped === undefined && (body?.locked || this.response.bodyUsed)) return body
    if (isNodeBody(body)) {
      const { response } = this
      this.#wrapped ??= observedNodeBody(
        body,
        response,
        this.#call,
        this.#contentType,
        this.#branch,
      )
      return this.#wrapped
    }
    if (typeof body?.getReader !== 'function') return body
    this.#wrapped ??= observedWebBody(
      () => this.#ownBody() as ReadableStream<Uint8Array>,
      this.#call,
      this.#observer(),
      this.#branch,
    )
    return this.#wrapped
  }

  /** Through the prototype's getter: reading the property must not lock the body. */
  #ownBody(): ReadableStream<Uint8Array> | null {
    const { response } = this
    return Reflect.get(Object.getPrototypeOf(response) as object, 'body', response) as never
  }

  #observer(): BodyObserver {
    return observeBody(this.#call, this.#contentType)
  }

  #passed(read: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const body = this.#observer()
    const passed = [body.push(read), body.finish()]
    return body.rewrites ? new Uint8Array(joined(passed)) : read
  }

  /** The caller holds a reader of the body. */
  get #isLocked(): boolean {
    return (this.#wrapped as { locked?: unknown } | undefined)?.locked === true
  }

  /** What the caller reads of the body nobody else does: the one inside has to refuse it. */
  #asLocked(read: () => unknown): unknown {
    const body = this.#isLocked ? this.#ownBody() : null
    if (body === null || body.locked) return read()
    const lock = body.getReader()
    try {
      return read()
    } finally {
      lock.releaseLock()
    }
  }

  async #whole(read: () => unknown): Promise<unknown> {
    // A reading that is refused because of an earlier one is not the end of the body.
    const isFirst = !this.response.bodyUsed
    try {
      return await this.#asLocked(read)
    } catch (error) {
      if (isFirst && !this.#isLocked) this.#branch.dropped()
      await this.#call.stored
      throw error
    }
  }
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
  method: Method,
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
