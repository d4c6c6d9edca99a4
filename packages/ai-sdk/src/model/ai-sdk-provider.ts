import { anthropicWire } from '@token-meter/anthropic/wire'
import {
  asMetered,
  AssignedFunctions,
  type CallObserver,
  type ClientOptions,
  type Provider,
  registerWrapper,
} from '@token-meter/core/adapter'
import { googleWire } from '@token-meter/google/wire'
import { openaiJobsWire } from '@token-meter/openai/wire/jobs'
import { type AiSdkClient, type AiSdkModel, isModel, isModelFactory } from './ai-sdk-client.ts'
import { isObservedMethod } from './methods.ts'
import { ModelObservation } from './model-observation.ts'

type Method = (...args: unknown[]) => unknown

/** Meters models and providers of the AI SDK, for `createMeter({ providers: [aiSdkProvider] })`. */
export const aiSdkProvider: Provider<AiSdkClient> = {
  name: 'ai-sdk',
  clientDescription:
    "a model or provider object of the AI SDK (ai 5, 6 or 7; for a model id such as 'openai/gpt-5' " +
    "pass the model object: gateway('openai/gpt-5') or openai('gpt-5'))",
  // Its models' own requests, which a `fetch` of theirs sees.
  protocols: [openaiJobsWire, anthropicWire, googleWire],
  recognises: (client): client is AiSdkClient => isModel(client) || isModelFactory(client),
  observe(client, observer, options) {
    return isModel(client)
      ? observeModel(client, observer, options)
      : observeFactory(client, observer, options)
  },
}

/**
 * Wraps a model: the same object in every respect, whose calls are reported. Its methods and
 * getters run on the model itself, because classes have private fields, which a proxy has none of.
 */
function observeModel<Model extends AiSdkModel>(
  model: Model,
  observer: CallObserver,
  options: ClientOptions,
): Model {
  const observation = new ModelObservation(model, observer, options)
  const wrapped = new WeakMap<object, Method>()
  const assigned = new AssignedFunctions()
  const wrap = (method: Method, apply: (args: unknown[]) => unknown): Method => {
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
        return wrap(method, (args) => asMetered(() => observation.call(property, method, args)))
      }
      // A field of the model is the caller's own function; only methods need the model as `this`.
      return own === undefined ? wrap(method, (args) => method.apply(target, args)) : value
    },
    set: (target, property, value) => assigned.assign(target, property, value),
  })
}

/**
 * Wraps a provider so that every model it makes is metered, whichever of its functions makes it:
 * the provider itself, `chat`, `responses`, `languageModel`, `image`, ... What is no model comes
 * back as it is.
 */
function observeFactory<Factory extends object>(
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
        registerWrapper(model, made)
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
