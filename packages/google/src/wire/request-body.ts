import { jsonObject } from '@token-meter/core/wire'

type Fields = Record<string, unknown>

/**
 * The body of a request, parsed when somebody reads it: most calls never ask for more than the
 * model, which stands in the path, and a body can hold whole files.
 */
export function requestBody(serialized: unknown, model: string | undefined): Readonly<Fields> {
  return new Proxy(model === undefined ? {} : { model }, new LateBody(serialized, model))
}

class LateBody implements ProxyHandler<Fields> {
  #serialized: unknown
  readonly #model: string | undefined
  #isParsed = false

  constructor(serialized: unknown, model: string | undefined) {
    this.#serialized = serialized
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
    if (this.#isParsed) return fields
    this.#isParsed = true
    const model = this.#model
    Object.assign(fields, parse(this.#serialized), model === undefined ? {} : { model })
    this.#serialized = undefined
    return fields
  }
}

function parse(serialized: unknown): Readonly<Fields> {
  if (typeof serialized !== 'string') return {}
  try {
    return jsonObject(JSON.parse(serialized))
  } catch {
    return {}
  }
}
