import { jsonObject } from '@token-meter/core/adapter'

/**
 * The body of a request, parsed when somebody reads it: most calls never ask for more than the
 * model, which stands in the path, and a body can hold whole files.
 */
export function requestBody(
  serialized: unknown,
  model: string | undefined,
): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = model === undefined ? {} : { model }
  let isParsed = false
  const parsed = (): Record<string, unknown> => {
    if (!isParsed) {
      isParsed = true
      Object.assign(fields, parse(serialized), model === undefined ? {} : { model })
    }
    return fields
  }
  return new Proxy(fields, {
    get: (_, name) =>
      name === 'model' && model !== undefined ? model : Reflect.get(parsed(), name),
    has: (_, name) => Reflect.has(parsed(), name),
    ownKeys: () => Reflect.ownKeys(parsed()),
    getOwnPropertyDescriptor: (_, name) => Reflect.getOwnPropertyDescriptor(parsed(), name),
  })
}

function parse(serialized: unknown): Readonly<Record<string, unknown>> {
  if (typeof serialized !== 'string') return {}
  try {
    return jsonObject(JSON.parse(serialized))
  } catch {
    return {}
  }
}
