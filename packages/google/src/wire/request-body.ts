import { type Call, requestBody } from '@token-meter/core/wire'

type Fields = Record<string, unknown>

/**
 * The body of a request, parsed when somebody reads it: most calls never ask for more than the
 * model, which stands in the path, and a body can hold whole files.
 *
 * @param model the one of the path, where that names one.
 */
export function lateBody(body: unknown, model?: string): Call['body'] {
  const text = typeof body === 'string' ? body : undefined
  // What is no text can change until somebody reads it.
  const fields: Fields = text === undefined ? { ...requestBody(body) } : {}
  if (model !== undefined) fields.model = model
  return text === undefined ? fields : new Proxy(fields, new LateFields(text, model))
}

class LateFields implements ProxyHandler<Fields> {
  #text: string | undefined
  readonly #model: string | undefined

  constructor(text: string, model: string | undefined) {
    this.#text = text
    this.#model = model
  }

  get(fields: Fields, name: string | symbol): unknown {
    return name === 'model' && this.#model !== undefined
      ? this.#model
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
    const text = this.#text
    if (text === undefined) return fields
    this.#text = undefined
    const model = this.#model
    return Object.assign(fields, requestBody(text), model === undefined ? {} : { model })
  }
}
