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
