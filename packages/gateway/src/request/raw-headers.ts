/** Headers as they came over the wire: names and values by turns, in their order, case and number. */
import type { HttpHeaders } from '@token-meter/core/wire'

export type RawHeaders = readonly string[]

/** Raw headers, to be asked by name. Of several of a name all count, joined as HTTP joins them. */
export class RequestHeaders implements HttpHeaders {
  readonly raw: RawHeaders
  readonly #values = new Map<string, string>()

  constructor(raw: RawHeaders) {
    this.raw = raw
    for (const [name, value] of headerPairs(raw)) {
      const key = name.toLowerCase()
      const before = this.#values.get(key)
      this.#values.set(key, before === undefined ? value : `${before}, ${value}`)
    }
  }

  get(name: string): string | null {
    return this.#values.get(name) ?? null
  }

  hasPrefix(prefix: string): boolean {
    for (const name of this.#values.keys()) if (name.startsWith(prefix)) return true
    return false
  }

  /** Each value of a name that came by itself. */
  all(name: string): readonly string[] {
    const found: string[] = []
    for (const [each, value] of headerPairs(this.raw)) {
      if (each.toLowerCase() === name) found.push(value)
    }
    return found
  }
}

export function* headerPairs(raw: RawHeaders): Generator<readonly [name: string, value: string]> {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    yield [raw[index] as string, raw[index + 1] as string]
  }
}

/** Of one connection, not of the message: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/**
 * The names that are for one connection alone: those of HTTP, and those that `Connection` names. What says how a
 * body is to be read (`content-*`) never is: without it an upstream would read another than was looked at here.
 */
export function connectionNames(headers: HttpHeaders): ReadonlySet<string> {
  const named = headers.get('connection')
  if (named === null || /^\s*(?:keep-alive|close)\s*$/i.test(named)) return hopByHop
  const names = named.split(',').map((name) => name.trim().toLowerCase())
  return new Set([...hopByHop, ...names.filter((name) => !name.startsWith('content-'))])
}
