/** Headers of a response, as `fetch` has them. */
export interface ResponseHeaders {
  get(name: string): string | null
  /** Whether there is one whose name begins so, in lower case. */
  hasPrefix(prefix: string): boolean
}

/**
 * Headers of any kind, a `Headers` or a plain object of names in lower case, as a reader asks for
 * them, without throwing. `undefined` for what is none.
 */
export function responseHeaders(headers: unknown): ResponseHeaders | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined
  return {
    get(name) {
      try {
        const { get } = headers as { get?: unknown }
        const value: unknown =
          typeof get === 'function'
            ? get.call(headers, name)
            : (headers as Readonly<Record<string, unknown>>)[name]
        return typeof value === 'string' ? value : null
      } catch {
        // Headers of somebody's own.
        return null
      }
    },
    hasPrefix(prefix) {
      try {
        const { keys } = headers as { keys?: unknown }
        const names = (
          typeof keys === 'function' ? keys.call(headers) : Object.keys(headers)
        ) as Iterable<unknown>
        for (const name of names) if (String(name).startsWith(prefix)) return true
      } catch {
        // As above.
      }
      return false
    },
  }
}
