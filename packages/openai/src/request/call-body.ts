import type { Call } from '@token-meter/core/adapter'

interface BodyOptions {
  readonly body?: unknown
  readonly __metadata?: { readonly model?: unknown }
}

interface Form {
  entries(): Iterable<[string, unknown]>
  getAll(name: string): unknown[]
}

/**
 * The body of a call as the meter and the application's functions see it: the fields that it has
 * when it is sent, whatever the caller does with his object later. Of a multipart form these are
 * the text fields: files are left alone. SDK 4 has turned its forms into bytes by then; of those
 * only the model is known that it, and later majors, keep beside some of them.
 */
export function callBody(options: BodyOptions | undefined): Call['body'] {
  const body = options?.body
  const model = options?.__metadata?.model
  const fields = typeof body === 'string' ? textBody(body) : bodyFields(body)
  if (typeof model !== 'string' || 'model' in fields) return fields
  return { model }
}

function bodyFields(body: unknown): Call['body'] {
  if (typeof body !== 'object' || body === null) return {}
  if (isForm(body)) return textFields(body)
  // Objects of a class can have their fields on its prototype, and bytes are not worth a copy.
  const prototype: unknown = Object.getPrototypeOf(body)
  return prototype === Object.prototype || prototype === null ? fieldsOf(body) : body
}

/** A copy that reads no getter: it may be for the SDK alone to read. */
function fieldsOf(body: object): Call['body'] {
  const fields: Record<string, unknown> = {}
  for (const name of Object.keys(body)) {
    const field = Object.getOwnPropertyDescriptor(body, name)
    if (field?.get === undefined) fields[name] = field?.value
    else {
      const get = (): unknown => Reflect.get(body, name)
      Object.defineProperty(fields, name, { enumerable: true, get })
    }
  }
  return fields
}

/** A body that the caller has serialised himself. */
function textBody(body: string): Call['body'] {
  if (!/^\s*\{/.test(body)) return {}
  try {
    return JSON.parse(body) as Call['body']
  } catch {
    return {}
  }
}

/** By its shape: SDK 4 and polyfills have classes of their own. */
function isForm(body: object): body is Form {
  const form = body as Partial<Form>
  return typeof form.entries === 'function' && typeof form.getAll === 'function'
}

function textFields(form: Form): Call['body'] {
  return Object.fromEntries([...form.entries()].filter(([, value]) => typeof value === 'string'))
}
