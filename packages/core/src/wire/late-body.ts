import type { Call } from './endpoint.ts'
import { requestBody } from './request-body.ts'

type Fields = Record<string, unknown>

/**
 * The body of a request, parsed when somebody reads it: most calls never ask for more than the
 * model, which stands in the path, and a body can hold whole files.
 *
 * @param known fields that stand elsewhere in the request, such as the model of the path. They go
 * before those of the body.
 */
export function lateBody(body: unknown, known: Fields = {}): Call['body'] {
  const isSerialised = typeof body === 'string' || ArrayBuffer.isView(body)
  if (isSerialised) return new Proxy({ ...known }, new LateFields(body, known))
  // What is not serialised can change until somebody reads it.
  return { ...requestBody(body), ...known }
}

class LateFields implements ProxyHandler<Fields> {
  #body: unknown
  readonly #known: Fields

  constructor(body: unknown, known: Fields) {
    this.#body = body
    this.#known = known
  }

  get(fields: Fields, name: string | symbol): unknown {
    return Object.hasOwn(this.#known, name)
      ? this.#known[name as string]
      : Reflect.get(this.#parsed(fields), name)
  }

  has(fields: Fields, name: string | symbol): boolean {
    return Reflect.has(this.#parsed(fields), name)
  }

  ownKeys(fields: Fields): (string | symbol)[] {
    return Reflect.ownKeys(this.#parsed(fields))
  }

  getOwnPropertyDescriptor(fields: Fields, name: string | symbol): PropertyDescriptor | undefined {
    return Reflect.getOwnPropertyDescriptor(this.#parsed(fields), name)
  }

  #parsed(fields: Fields): Fields {
    const body = this.#body
    if (body === undefined) return fields
    this.#body = undefined
    return Object.assign(fields, requestBody(body), this.#known)
  }
}
