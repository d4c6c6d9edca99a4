import {
  AssignedFunctions,
  bodySnapshot,
  canScope,
  observeCall,
  observeRawRequests,
  runInScope,
} from '@token-meter/core/adapter'
import { generateContent } from '../wire/content.ts'
import { embedContent } from '../wire/embed.ts'
import { images } from '../wire/images.ts'
import {
  chokePoints,
  type Method,
  observeChokePoint,
  registerWrapper,
  unwrap,
} from './api-client.ts'
import type { ApiClient } from './google-client.ts'
import type { Observation } from './google-observation.ts'
import { connectObserved } from './live-connect.ts'

/** Methods that a mock or another wrapper may replace, with what they would request. */
const replaceable = {
  generateContent,
  generateContentStream: generateContent,
  embedContent,
  generateImages: images,
  editImage: images,
  upscaleImage: images,
}

/** What the views of one metered client have in common. */
export interface ViewContext {
  /** The client's own, which stays raw. */
  readonly rawApi: ApiClient
  /** What its modules see instead. */
  readonly api: ApiClient
  /** The same for the SDK's own functions, which see it and do not show it. */
  readonly internalApi: ApiClient
  readonly observation: Observation
}

/** True for a module of the SDK: it works through the client's API client. */
export function isModule(value: unknown, { rawApi }: ViewContext): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    value !== rawApi &&
    (value as { apiClient?: unknown }).apiClient === rawApi
  )
}

/**
 * The modules of a metered client: the client's own objects in every respect, except that their
 * requests go through the observed API client.
 *
 * Methods of a class find it as `this.apiClient`. The functions that the SDK makes in a module's
 * constructor are bound to that very module, so they are taken from its shadow: a second
 * module, made with the observed API client. What somebody else put in their place is called as it
 * is, and metered by the requests it makes or else by what it returns.
 */
export class ModuleViews {
  readonly #context: ViewContext
  readonly #views = new WeakMap<object, object>()
  readonly #shadows = new WeakMap<object, object | null>()
  readonly #own = new WeakMap<Method, Method>()
  readonly #functions = new WeakMap<Method, Method>()
  readonly #assigned = new AssignedFunctions()

  constructor(context: ViewContext) {
    this.#context = context
  }

  /** Always the same view of the same module. */
  of(module: object): object {
    let view = this.#views.get(module)
    if (view === undefined) {
      view = new Proxy(module, {
        get: (target, name, receiver) => this.#get(target, name, receiver as object),
        set: (target, name, value) => this.#assign(target, name, value),
      })
      this.#views.set(module, view)
    }
    return view
  }

  #assign(module: object, name: string | symbol, value: unknown): boolean {
    const own = unwrap(value)
    return own === value
      ? this.#assigned.assign(module, name, value)
      : Reflect.set(module, name, own, module)
  }

  #get(module: object, name: string | symbol, receiver: object): unknown {
    const value: unknown = Reflect.get(module, name, receiver)
    const { rawApi, api, observation } = this.#context
    const isSpecial =
      value === rawApi || typeof value === 'function' || isModule(value, this.#context)
    if (typeof name === 'symbol' || !isSpecial || name === 'constructor') return value
    if (isFixed(module, name)) {
      observation.report(
        `"${name}" of a frozen client cannot be metered: meter it before it is frozen`,
      )
      return value
    }
    if (value === rawApi) return api
    if (typeof value !== 'function') return this.of(value as object)
    const method = value as Method
    if (name === 'connect') return this.#cached(method, () => this.#connect(module, method))
    if (!Object.hasOwn(module, name) || this.#assigned.has(method)) return value
    const own = this.#ownFunction(module, name, method)
    return own ?? this.#cached(method, () => this.#thirdParty(name, method))
  }

  #cached(method: Method, make: () => Method): Method {
    const known = this.#functions.get(method)
    if (known !== undefined) return known
    const made = registerWrapper(make(), method)
    this.#functions.set(method, made)
    return made
  }

  /** The shadow's function, where the module's is the one that the SDK made for it. */
  #ownFunction(module: object, name: string, method: Method): Method | undefined {
    const known = this.#own.get(method)
    if (known !== undefined) return known
    const shadow = this.#shadow(module)
    // Its own only: what it does not have it finds in the module, where others wrote it.
    if (shadow === null || !Object.hasOwn(shadow, name)) return undefined
    const made: unknown = Reflect.get(shadow, name)
    if (typeof made !== 'function' || !isSameSource(made as Method, method)) return undefined
    this.#own.set(method, registerWrapper(made as Method, method))
    return made as Method
  }

  #shadow(module: object): object | null {
    let shadow = this.#shadows.get(module)
    if (shadow === undefined) {
      shadow = null
      try {
        const { internalApi } = this.#context
        const { constructor } = module as { constructor: new (api: ApiClient) => object }
        const made = Reflect.construct(constructor, [internalApi], shadowClass(module)) as object
        if ((made as { apiClient?: unknown }).apiClient === internalApi) shadow = made
      } catch {
        // A subclass that wants more than the API client: its functions are metered by what they return.
      }
      this.#shadows.set(module, shadow)
    }
    return shadow
  }

  #connect(module: object, method: Method): Method {
    const { observation } = this.#context
    const hasUsage = 'music' in module
    return new Proxy(method, {
      apply: (_, self, args: unknown[]) => {
        if (hasUsage) return connectObserved(observation, method, self, args)
        observation.reportUnmetered('sessions of live.music, whose messages have no usage,')
        return Reflect.apply(method, self, args)
      },
    })
  }

  #thirdParty(name: string, method: Method): Method {
    const { rawApi, observation } = this.#context
    return new Proxy(method, {
      apply: (_, self, args: unknown[]) => {
        const endpoint = Object.hasOwn(replaceable, name)
          ? replaceable[name as keyof typeof replaceable]
          : undefined
        const call =
          endpoint && observation.beginCall(endpoint, bodySnapshot(Object(args[0] ?? {}) as object))
        const observes = (choke: string, original: Method, request: unknown[]): unknown =>
          observeChokePoint(observation, rawApi, choke, original, request)
        const isObservable = canScope && observeRawRequests(rawApi, chokePoints)
        const scope = { observes: isObservable ? observes : undefined, reached: false }
        const answer: unknown = runInScope(scope, () => Reflect.apply(method, self, args))
        if (call === undefined) return answer
        return observeCall(answer, () => {
          if (scope.reached) call.dismiss()
          return call
        })
      },
    })
  }
}

/**
 * Makes an object that sees what others wrote to a module, such as a spy on one of its internal
 * functions, where it would otherwise see its class.
 */
function shadowClass(module: object): new () => object {
  // A function, because the prototype of a class cannot be another.
  const shadow = function () {} as unknown as new () => object
  shadow.prototype = module
  return shadow
}

const sources = new WeakMap<Method, string>()

function isSameSource(one: Method, other: Method): boolean {
  return sourceOf(one) === sourceOf(other)
}

function sourceOf(method: Method): string {
  let source = sources.get(method)
  if (source === undefined) {
    source = Function.prototype.toString.call(method)
    sources.set(method, source)
  }
  return source
}

/** True for a property that a proxy must show as it is. */
export function isFixed(owner: object, name: string): boolean {
  const descriptor = Reflect.getOwnPropertyDescriptor(owner, name)
  return descriptor?.configurable === false && descriptor.writable === false
}
