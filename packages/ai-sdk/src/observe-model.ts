import { AssignedFunctions, type CallObserver, type ClientOptions } from '@token-meter/core/adapter'
import type { AiSdkModel } from './ai-sdk-client.ts'
import { isObservedMethod } from './methods.ts'
import { ModelObservation } from './model-observation.ts'

type Method = (...args: unknown[]) => unknown

/**
 * Wraps a model: the same object in every respect, whose calls are reported. Its methods and
 * getters run on the model itself, because classes have private fields, which a proxy has none of.
 */
export function observeModel<Model extends AiSdkModel>(
  model: Model,
  observer: CallObserver,
  options: ClientOptions,
): Model {
  const observation = new ModelObservation(model, observer, options)
  const wrapped = new WeakMap<object, Method>()
  const assigned = new AssignedFunctions()
  const standIn = (method: Method, apply: (args: unknown[]) => unknown): Method => {
    const known = wrapped.get(method)
    if (known !== undefined) return known
    // Keeps the method's name and properties.
    const made = new Proxy(method, { apply: (_, _self, args) => apply(args) })
    wrapped.set(method, made)
    return made
  }

  return new Proxy(model, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function' || typeof property === 'symbol') return value
      if (property === 'constructor' || assigned.has(value)) return value
      const method = value as Method
      const own = Reflect.getOwnPropertyDescriptor(target, property)
      if (isObservedMethod(property)) {
        if (own?.configurable === false && own.writable === false) {
          observer.fault(`a frozen model cannot be metered: meter it before it is frozen`)
          return value
        }
        return standIn(method, (args) => observation.call(property, method, args))
      }
      // A field of the model is the caller's own function; only methods need the model as `this`.
      return own === undefined ? standIn(method, (args) => method.apply(target, args)) : value
    },
    set: (target, property, value) => assigned.assign(target, property, value),
  })
}
