const nothing: Readonly<Record<string, unknown>> = Object.freeze({})

/** A JSON object of unknown fields, or an empty one for what is no object. */
export function jsonObject(value: unknown): Readonly<Record<string, unknown>> {
  return isPlain(value) ? value : nothing
}

/** True for a JSON object, which an array is not. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a text says as JSON; `undefined` for what is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Text that is there and not empty. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
