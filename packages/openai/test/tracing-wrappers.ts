import type { SdkClient } from './sdk-majors.ts'

type Method = (...args: unknown[]) => unknown
type SdkPromise = Promise<unknown> & { withResponse(): Promise<unknown> }
type Wrapped = (target: object, method: Method, args: unknown[]) => unknown

/** A new proxy for each object on each access, with every method bound to what is inside. */
function deepProxy<Target extends object>(target: Target, call: Wrapped): Target {
  return new Proxy(target, {
    get(inner, property) {
      const value = Reflect.get(inner, property) as unknown
      if (typeof value === 'function') {
        return (...args: unknown[]) => call(inner, value as Method, args)
      }
      if (typeof value !== 'object' || value === null) return value
      return deepProxy(value, call)
    },
  })
}

/** As `@langfuse/openai` does it: a call answers a promise of its own, without the SDK's helpers. */
export function bindingWrapper(client: SdkClient): SdkClient {
  return deepProxy(client, (target, method, args) => {
    const answer = Reflect.apply(method, target, args)
    return answer instanceof Promise ? answer.then((value) => value as unknown) : answer
  })
}

/** As `@sentry/server-utils` does it: the SDK's promise, parsed before the caller gets it. */
export function parsingWrapper(client: SdkClient): SdkClient {
  return deepProxy(client, (target, method, args) => {
    const answer = Reflect.apply(method, target, args)
    if (!(answer instanceof Promise)) return answer
    const seen = answer.then((value) => value as unknown)
    return new Proxy(answer, {
      get(promise, property) {
        const source = property in Promise.prototype ? seen : promise
        const value = Reflect.get(source, property) as unknown
        return typeof value === 'function' ? (value.bind(source) as unknown) : value
      },
    })
  })
}

/** As `langsmith` does it: a copy of the client's properties, whose methods are not among them. */
export function copyingWrapper(client: SdkClient): SdkClient {
  const traced =
    (method: Method) =>
    async (...args: unknown[]): Promise<unknown> =>
      await (method(...args) as Promise<unknown>)
  const copy = <Resource extends object>(resource: Resource): Resource =>
    Object.assign(Object.create(Object.getPrototypeOf(resource) as object) as Resource, resource)
  const completions = copy(client.chat.completions)
  completions.create = traced(
    client.chat.completions.create.bind(client.chat.completions) as Method,
  ) as never
  const responses = copy(client.responses)
  responses.create = traced(client.responses.create.bind(client.responses) as Method) as never
  return { ...client, chat: { ...client.chat, completions }, responses } as unknown as SdkClient
}

/** As `braintrust` does it: sent as soon as `then` is looked at. */
export function lazyWrapper(client: SdkClient): SdkClient {
  return deepProxy(client, (target, method, args) => {
    const isHelper = /^(?:stream|runTools)$/.test(method.name)
    if (isHelper) return Reflect.apply(method, target, args)
    let sent: SdkPromise | undefined
    const answer = () => (sent ??= Reflect.apply(method, target, args) as SdkPromise)
    return new Proxy({} as Promise<unknown>, {
      get(_, property) {
        if (property === 'constructor') return Promise
        if (property === 'withResponse') return () => answer().withResponse()
        if (!(property in Promise.prototype)) return undefined
        const value = Reflect.get(answer(), property) as Method
        return value.bind(answer()) as unknown
      },
    })
  })
}
