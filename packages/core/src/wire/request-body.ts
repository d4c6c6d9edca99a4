import { parsedJson } from '../lib/json.ts'
import type { Call } from './endpoint.ts'

/**
 * The fields of a request's body, whatever form it has: an object, serialised JSON as text or bytes,
 * or a form, of which the text fields are meant and files are left alone. No fields for anything else.
 */
export function requestBody(body: unknown): Call['body'] {
  if (typeof body === 'string') return parsed(body)
  if (typeof body !== 'object' || body === null) return {}
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return parsedBytes(body)
  return isForm(body) ? textFields(body) : bodySnapshot(body)
}

/**
 * The fields of a body as they are when it is sent, whatever the caller does with the object or its
 * lists later: a conversation is often added to while its answer streams in.
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

function parsedBytes(bytes: ArrayBuffer | ArrayBufferView): Call['body'] {
  return parsed(new TextDecoder().decode(bytes))
}

function parsed(body: string): Call['body'] {
  return /^\s*\{/.test(body) ? ((parsedJson(body) as Call['body'] | undefined) ?? {}) : {}
}

/**
 * The fields of a request's body, of a form with its files: for what is only asked which there are.
 */
export function fieldsWithFiles(body: unknown): Call['body'] {
  const isObject = typeof body === 'object' && body !== null
  return isObject && isForm(body) ? Object.fromEntries(body.entries()) : requestBody(body)
}

interface Form {
  entries(): Iterable<[string, unknown]>
  getAll(name: string): unknown[]
}

/** By its shape: polyfills have classes of their own. */
function isForm(body: object): body is Form {
  const form = body as Partial<Form>
  return typeof form.entries === 'function' && typeof form.getAll === 'function'
}

function textFields(form: Form): Call['body'] {
  return Object.fromEntries([...form.entries()].filter(([, value]) => typeof value === 'string'))
}
