import { type HttpHeaders, requestHeaders } from '../../wire/http-headers.ts'
import type { WireRequest } from '../../wire/protocol.ts'
import { joined } from './joined.ts'

type Fetch = typeof fetch

/** What a request can be sent with in place of its body. */
export type Sendable = string | Uint8Array<ArrayBuffer>

/** A `Request` of any class: polyfills have their own. */
interface RequestLike {
  readonly url: string
  readonly method: string
  readonly headers: unknown
}

/** One call of a `fetch`, as its protocol sees it, and as it can be made more than once. */
export class FetchRequest implements WireRequest {
  readonly method: string
  readonly url: string
  /** What is sent, as far as it can be looked at: no stream, no file. */
  body: unknown
  readonly #args: Parameters<Fetch>
  readonly #headers: unknown
  /** The `Request` whose body is sent, still to be read. */
  readonly #unread: Request | undefined
  #isRead = false

  constructor(args: Parameters<Fetch>) {
    const [input, init] = args
    const request = isRequest(input) ? input : undefined
    this.method = init?.method ?? request?.method ?? 'GET'
    this.url = request?.url ?? String(input)
    this.#args = args
    this.#headers = init?.headers ?? request?.headers
    const given: unknown = init?.body
    if (given !== undefined && given !== null) this.body = readable(given)
    else if (input instanceof Request && isReadable(input)) this.#unread = input
  }

  get headers(): HttpHeaders {
    return requestHeaders(this.#headers)
  }

  /** As the caller wrote them. */
  get givenHeaders(): unknown {
    return this.#headers
  }

  /** True where the body of a `Request` has to be read to see it. */
  get isUnread(): boolean {
    // What is aborted is not sent, and its body is for nobody.
    return this.#unread !== undefined && !this.#isRead && !this.signal?.aborted
  }

  /** What aborts it. */
  get signal(): AbortSignal | undefined {
    const [input, init] = this.#args
    return init?.signal ?? (input as { signal?: AbortSignal }).signal
  }

  /**
   * Reads the body of a `Request`, as sending it would: what is sent then is a copy of it.
   * @throws what sending it would: the reason of its signal, or a `TypeError` where its stream fails.
   */
  async read(): Promise<void> {
    const request = this.#unread
    if (request === undefined) return
    const signal = this.signal ?? request.signal
    const reader = (request.body as ReadableStream<Uint8Array>).getReader()
    const stop = (): void => void reader.cancel(signal.reason).catch(() => {})
    signal.addEventListener('abort', stop, { once: true })
    const pieces: Uint8Array[] = []
    try {
      for (;;) {
        const { done, value } = await reader.read()
        signal.throwIfAborted()
        if (done) break
        pieces.push(value)
      }
    } catch (cause) {
      signal.throwIfAborted()
      throw new TypeError('fetch failed', { cause })
    } finally {
      signal.removeEventListener('abort', stop)
    }
    this.body = joined(pieces)
    this.#isRead = true
  }

  /** @param changed in place of the body that the caller wrote. */
  send(send: Fetch, changed?: Sendable): Promise<Response> {
    const [input, init] = this.#args
    if (changed === undefined) {
      if (!this.#isRead) return send(...this.#args)
      const same: RequestInit = { body: this.body as Uint8Array<ArrayBuffer> }
      return send(new Request(input, same), init)
    }
    // As the caller wrote them: what it sends by may know them in that form only.
    const headers = lengthless(this.#headers)
    const other: RequestInit = {
      body: changed,
      ...(headers !== this.#headers && { headers: headers as Headers }),
    }
    if (!this.#isRead) return send(input, { ...init, ...other })
    const { body: _, ...same } = other
    return send(new Request(input, other), init && { ...init, ...same })
  }
}

/** Headers without the length, which is that of another body; the same ones where none is stated. */
function lengthless(headers: unknown): unknown {
  if (requestHeaders(headers).get(lengthName) === null) return headers
  const isLength = (name: unknown) => String(name).toLowerCase() === lengthName
  if (Array.isArray(headers)) return headers.filter(([name]: unknown[]) => !isLength(name))
  const { get, append } = headers as Partial<Headers>
  if (typeof get !== 'function' || typeof append !== 'function') {
    return Object.fromEntries(Object.entries(headers as object).filter(([name]) => !isLength(name)))
  }
  const own = new Headers(headers as Headers)
  own.delete(lengthName)
  return own
}

const lengthName = 'content-length'

function isRequest(input: unknown): input is RequestLike {
  const { url, method } = (input ?? {}) as Partial<RequestLike>
  return typeof url === 'string' && typeof method === 'string'
}

/**
 * Nothing tells the body of a `Request` that was made of a stream from one that was made of a text: by
 * its type it is one that is sent whole.
 */
function isReadable(request: Request): boolean {
  if (request.body === null || request.bodyUsed) return false
  const type = request.headers.get('content-type') ?? ''
  return type === '' || /json|text\/|form/.test(type)
}

/** A body that is looked at without being read; `undefined` for a stream or a file. */
function readable(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body
  if (body instanceof ArrayBuffer) return new Uint8Array(body)
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  }
  const isStream = 'getReader' in body || Symbol.asyncIterator in body || 'pipe' in body
  return isStream || body instanceof Blob ? undefined : body
}
