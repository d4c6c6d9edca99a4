import {
  AssignedFunctions,
  bodySnapshot,
  canScope,
  observeCall,
  observeRawRequests,
  runInScope,
} from '@token-meter/core/adapter'
import { embedContent } from '../endpoint/embed-content.ts'
import { generateContent } from '../endpoint/generate-content.ts'
import { images } from '../endpoint/images.ts'
import type { ApiClient } from '../google-client.ts'
import type { Observation } from '../observation.ts'
import { connectObserved } from './live-connect.ts'
import { chokePoints, type Method, observeChokePoint } from './observed-api-client.ts'
import { standIn, takenBack } from './taken-back.ts'

/** Methods that a mock or another wrapper may stand in for, with what they would request. */
const leaves = {
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
  readonly innerApi: ApiClient
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
 * constructor are bound to that very module, so they are taken from a second one, which is made
 * with the observed API client. What somebody else put in their place is called as it is, and
 * metered by the requests it makes or else by what it answers.
 */
export class ModuleViews {
  readonly #context: ViewContext
  readonly #views = new WeakMap<object, object>()
  readonly #twins = new WeakMap<object, object | null>()
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
    const own = takenBack(value)
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
    return own ?? this.#cached(method, () => this.#foreign(name, method))
  }

  #cached(method: Method, make: () => Method): Method {
    const known = this.#functions.get(method)
    if (known !== undefined) return known
    const made = standIn(make(), method)
    this.#functions.set(method, made)
    return made
  }

  /** The twin's function, where the module's is the one that the SDK made for it. */
  #ownFunction(module: object, name: string, method: Method): Method | undefined {
    const known = this.#own.get(method)
    if (known !== undefined) return known
    const twin = this.#twin(module)
    // Its own only: what it does not have it finds in the module, where others wrote it.
    if (twin === null || !Object.hasOwn(twin, name)) return undefined
    const made: unknown = Reflect.get(twin, name)
    if (typeof made !== 'function' || !isSameSource(made as Method, method)) return undefined
    this.#own.set(method, standIn(made as Method, method))
    return made as Method
  }

  #twin(module: object): object | null {
    let twin = this.#twins.get(module)
    if (twin === undefined) {
      twin = null
      try {
        const { innerApi } = this.#context
        const { constructor } = module as { constructor: new (api: ApiClient) => object }
        const made = Reflect.construct(constructor, [innerApi], twinClass(module)) as object
        if ((made as { apiClient?: unknown }).apiClient === innerApi) twin = made
      } catch {
        // A subclass that wants more than the API client: its functions are metered by their answers.
      }
      this.#twins.set(module, twin)
    }
    return twin
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

  #foreign(name: string, method: Method): Method {
    const { rawApi, observation } = this.#context
    return new Proxy(method, {
      apply: (_, self, args: unknown[]) => {
        const endpoint = Object.hasOwn(leaves, name)
          ? leaves[name as keyof typeof leaves]
          : undefined
        const call =
          endpoint && observation.begin(endpoint, bodySnapshot(Object(args[0] ?? {}) as object))
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
function twinClass(module: object): new () => object {
  // A function, because the prototype of a class cannot be another.
  const twin = function () {} as unknown as new () => object
  twin.prototype = module
  return twin
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

/** True for a property that a proxy must answer as it is. */
export function isFixed(owner: object, name: string): boolean {
  const descriptor = Reflect.getOwnPropertyDescriptor(owner, name)
  return descriptor?.configurable === false && descriptor.writable === false
}
