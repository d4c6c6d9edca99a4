import { bodySnapshot } from '@token-meter/core/adapter'
import type { Call } from '@token-meter/core/wire'

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
 * when it is sent, whatever the caller does with it later. Of a multipart form these are
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
  return bodySnapshot(body)
}

/** A body that the caller has serialised already. */
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
