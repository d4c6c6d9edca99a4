import {
  AssignedFunctions,
  type CallObserver,
  type ClientOptions,
  rememberWrapped,
} from '@token-meter/core/adapter'
import { isModel } from './ai-sdk-client.ts'
import { observeModel } from './observe-model.ts'

type Method = (...args: unknown[]) => unknown

/**
 * Wraps a provider so that every model it makes is metered, whichever of its functions makes it:
 * the provider itself, `chat`, `responses`, `languageModel`, `image`, ... What is no model comes
 * back as it is.
 */
export function observeFactory<Factory extends object>(
  factory: Factory,
  observer: CallObserver,
  options: ClientOptions,
): Factory {
  const wrapped = new WeakMap<object, object>()
  const assigned = new AssignedFunctions()
  const cached = <Value extends object>(original: Value, wrap: () => Value): Value => {
    const known = wrapped.get(original)
    if (known !== undefined) return known as Value
    const made = wrap()
    wrapped.set(original, made)
    return made
  }
  const metered = (made: unknown): unknown => {
    if (isModel(made)) {
      return cached(made, () => {
        const model = observeModel(made, observer, options)
        rememberWrapped(model, made)
        return model
      })
    }
    if (typeof (made as { doStartBatch?: unknown } | null)?.doStartBatch === 'function') {
      observer.fault('batches work, but are not metered: record() the usage of their results')
    }
    return made
  }

  return new Proxy(factory, {
    apply: (target, self, args) => metered(Reflect.apply(target as unknown as Method, self, args)),
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function' || typeof property === 'symbol') return value
      if (property === 'constructor' || property === 'prototype') return value
      if (assigned.has(value)) return value
      const fixed = Reflect.getOwnPropertyDescriptor(target, property)
      if (fixed?.configurable === false && fixed.writable === false) return value
      return cached(
        value as Method,
        () =>
          new Proxy(value as Method, {
            apply: (method, self, args) =>
              // Called on the wrapped provider it runs on the provider itself: private fields.
              metered(Reflect.apply(method, self === undefined ? undefined : target, args)),
          }),
      )
    },
    set: (target, property, value) => assigned.assign(target, property, value),
  })
}
