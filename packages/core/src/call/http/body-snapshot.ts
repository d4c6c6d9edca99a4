import type { Call } from '../../wire/call.ts'

/**
 * The fields of a request's body as they are when it is sent, whatever the caller does with the
 * object or its lists later: a conversation is often added to while its answer streams in.
 *
 * Top-level lists are copied, what is in them is not. A getter is not run, since it may be for the
 * SDK alone to read; whoever asks for its field runs it, once. An object of a class comes as it is.
 */
export function bodySnapshot(body: object): Call['body'] {
  const prototype: unknown = Object.getPrototypeOf(body)
  if (prototype !== Object.prototype && prototype !== null) return body
  const fields: Record<string, unknown> = {}
  for (const name of Object.keys(body)) {
    const field = Object.getOwnPropertyDescriptor(body, name)
    if (field?.get === undefined) {
      const value: unknown = field?.value
      fields[name] = Array.isArray(value) ? value.slice() : value
    } else defineLater(fields, name, () => Reflect.get(body, name))
  }
  return fields
}

/** The fields of a snapshot that can be read without running a getter of the caller. */
export function readableFields(body: Call['body']): Call['body'] {
  const fields: Record<string, unknown> = {}
  for (const name of Object.keys(body)) {
    const field = Object.getOwnPropertyDescriptor(body, name)
    if (field !== undefined && 'value' in field) fields[name] = field.value
  }
  return fields
}

function defineLater(fields: object, name: string, read: () => unknown): void {
  const get = (): unknown => {
    const value = read()
    Object.defineProperty(fields, name, { value, enumerable: true, configurable: true })
    return value
  }
  Object.defineProperty(fields, name, { get, enumerable: true, configurable: true })
}
