/** Headers of a request or of its answer, as a reader asks for them. Never throws. */
export interface HttpHeaders {
  /** One by its name in lower case; `null` where it is not there. */
  get(name: string): string | null
  /** Whether there is one whose name begins so, in lower case. */
  hasPrefix(prefix: string): boolean
}

/**
 * The headers of an answer, of any kind: a `Headers`, or a plain object of names in lower case.
 * `undefined` for what is none.
 */
export function httpHeaders(headers: unknown): HttpHeaders | undefined {
  return typeof headers === 'object' && headers !== null ? new AnswerHeaders(headers) : undefined
}

/**
 * The headers that a request is sent with.
 *
 * @param sources what is merged, in this order: the client's own, then the request's. Each a
 * `Headers`, pairs, a `Map`, an object (where a value of null takes a header out), or nothing.
 * Nothing that the caller wrote is run for them: a getter may be for the SDK alone to read, and an
 * iterator can be used up.
 */
export function requestHeaders(...sources: readonly unknown[]): HttpHeaders {
  return new SentHeaders(sources)
}

/** What providers name a request by, in the headers of the answer. */
const requestIds: readonly string[] = [
  // OpenAI and most that speak its language.
  'x-request-id',
  // Anthropic.
  'request-id',
  // Amazon Bedrock, Azure.
  'x-amzn-requestid',
  'apim-request-id',
]

/** The provider's id of a request, from the headers of its answer; `undefined` where there is none. */
export function requestIdOf(headers: HttpHeaders | undefined): string | undefined {
  for (const name of requestIds) {
    const value = headers?.get(name)
    if (value) return value
  }
  return undefined
}

class AnswerHeaders implements HttpHeaders {
  readonly #headers: object

  constructor(headers: object) {
    this.#headers = headers
  }

  get(name: string): string | null {
    try {
      const headers = this.#headers
      const value: unknown = isHeaders(headers)
        ? headers.get(name)
        : (headers as Readonly<Record<string, unknown>>)[name]
      return typeof value === 'string' ? value : null
    } catch {
      // Headers of somebody's own.
      return null
    }
  }

  hasPrefix(prefix: string): boolean {
    try {
      const { keys } = this.#headers as { keys?: unknown }
      const names = (
        typeof keys === 'function' ? keys.call(this.#headers) : Object.keys(this.#headers)
      ) as Iterable<unknown>
      for (const name of names) if (String(name).startsWith(prefix)) return true
    } catch {
      // As above.
    }
    return false
  }
}

/** What the SDKs made by Stainless (OpenAI, Anthropic) merge headers into: what is set, what is not. */
interface NullableHeaders {
  readonly values: Headers
  readonly nulls: ReadonlySet<string>
}

type Pair = readonly [name: string, value: unknown]

class SentHeaders implements HttpHeaders {
  readonly #sources: readonly unknown[]

  constructor(sources: readonly unknown[]) {
    this.#sources = sources
  }

  get(name: string): string | null {
    let value: string | null = null
    for (const source of this.#sources) {
      const own = valueIn(source, name)
      if (own === null) value = null
      else if (own !== undefined) value = String(own)
    }
    return value
  }

  hasPrefix(prefix: string): boolean {
    return this.#sources.some((source) =>
      namesIn(source).some((name) => name.startsWith(prefix) && this.get(name) !== null),
    )
  }
}

/** What a source has for a name: `null` takes out what came before, `undefined` leaves it. */
function valueIn(source: unknown, name: string): unknown {
  if (typeof source !== 'object' || source === null) return undefined
  if (isHeaders(source)) return source.get(name) ?? undefined
  const { values, nulls } = nullable(source)
  if (values !== undefined) return nulls?.has(name) ? null : (values.get(name) ?? undefined)
  let found: unknown
  for (const [each, value] of pairsIn(source)) {
    if (each.toLowerCase() === name && value !== undefined) found = value
  }
  return found
}

function namesIn(source: unknown): readonly string[] {
  if (typeof source !== 'object' || source === null) return []
  if (isHeaders(source)) return [...source.keys()]
  const { values } = nullable(source)
  if (values !== undefined) return [...values.keys()]
  return pairsIn(source).map(([name]) => name.toLowerCase())
}

/** The pairs of a list, a map or an object, of the latter without what stands behind getters. */
function pairsIn(source: object): readonly Pair[] {
  if (source instanceof Map) return pairsIn([...(source as Map<unknown, unknown>)])
  if (Array.isArray(source)) {
    return (source as readonly unknown[])
      .filter((pair) => Array.isArray(pair))
      .map(([name, value]: readonly unknown[]): Pair => [String(name), value])
  }
  return Object.keys(source).map((name) => [
    name,
    Object.getOwnPropertyDescriptor(source, name)?.value as unknown,
  ])
}

function nullable(source: object): Partial<NullableHeaders> {
  const { values, nulls } = source as Partial<NullableHeaders>
  return isHeaders(values) && nulls !== undefined ? { values, nulls } : {}
}

/** By its shape: polyfills have classes of their own. */
function isHeaders(value: unknown): value is Headers {
  const { get, append } = (value ?? {}) as Partial<Headers>
  return typeof get === 'function' && typeof append === 'function'
}

/** What the SDKs hang on an answer, where a wrapper or a mock gives nothing but that. */
export function sdkHeaders(response: unknown): HttpHeaders | undefined {
  if (typeof response !== 'object' || response === null) return undefined
  const id: unknown = Object.getOwnPropertyDescriptor(response, '_request_id')?.value
  return typeof id === 'string' ? httpHeaders({ 'x-request-id': id }) : undefined
}
