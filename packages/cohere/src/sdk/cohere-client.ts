/**
 * A Cohere client by its shape, from SDK 7.20 to 8: `CohereClient`, `CohereClientV2`, and subclasses
 * of them. Never by class: an application can hold two copies of the SDK.
 */
export interface CohereClient {
  readonly chat: unknown
  readonly embed: unknown
  readonly rerank: unknown
  readonly checkApiKey: unknown
}

/** True for what has the shape of a Cohere client, also one that cannot be metered. */
export function isCohereClient(client: object): client is CohereClient {
  const { chat, chatStream, embed, rerank, tokenize, checkApiKey } = client as Fields
  const methods = [chat, chatStream, embed, rerank, tokenize, checkApiKey]
  const hasMethods = methods.every((method) => typeof method === 'function')
  return hasMethods && '_options' in client && ('v2' in client || 'clientV2' in client)
}

type Fields = Readonly<Record<string, unknown>>

/** What a client and its resources send with, once the SDK has made it complete. */
export interface SdkOptions {
  readonly headers: object
  readonly logging: object
  /** Takes the place of the global one. */
  readonly fetch?: typeof fetch
  /** Takes the place of the SDK's own way to send, `fetch` and all. */
  readonly fetcher?: unknown
}

/** A client or one of its resources: it sends by its own options. */
export interface SdkObject {
  readonly _options: SdkOptions
}

export function isSdkObject(value: unknown): value is SdkObject {
  return isObject(value) && Object.hasOwn(value, '_options') && isComplete(value['_options'])
}

function isComplete(options: unknown): boolean {
  return isObject(options) && isObject(options['headers']) && isObject(options['logging'])
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** `CohereClientV2`: it has no requests of its own, but those of two other clients, as its own fields. */
interface Facade {
  readonly client: SdkObject
  readonly clientV2: SdkObject
}

function isFacade(client: object): client is Facade {
  const { client: v1, clientV2 } = client as Partial<Facade>
  return isSdkObject(v1) && isSdkObject(clientV2)
}

/**
 * The client that sends the requests of a given one.
 *
 * @throws TypeError for one that cannot be metered: it signs its requests for AWS, or is of an SDK that
 * takes no `fetch`.
 */
export function sendingClient(client: object): SdkObject {
  const sending = isFacade(client) ? client.client : client
  const options: unknown = isObject(sending) ? sending['_options'] : undefined
  if (isObject(options) && 'awsRegion' in options) {
    throw new TypeError(
      'meter() does not meter the AWS clients of cohere-ai: what Bedrock and SageMaker answer them ' +
        'does not say what it used. Call Bedrock by @aws-sdk/client-bedrock-runtime, with @token-meter/bedrock',
    )
  }
  if (isSdkObject(sending)) return sending
  throw new TypeError(
    'meter() does not meter clients of this version of cohere-ai: it takes no fetch. Install 7.20 or newer',
  )
}

/** What a view is made with. */
export interface ViewSettings {
  /** Sends as the given function does, and is metered. */
  observe(send: typeof fetch): typeof fetch
  /** Something of the client cannot be observed: its calls work, and are not metered. Told once. */
  fault(what: string): void
}

// `Reflect.apply` is how these are called.
type Method = (...args: unknown[]) => unknown

/**
 * The given client in every respect, but that it and its resources find an observed `fetch` in their
 * options: the SDK looks for it there with each request. What is written to the view is written to the
 * client. Of the client nothing is changed: it goes on unmetered.
 */
export function clientView<Client extends object>(client: Client, settings: ViewSettings): Client {
  /** Of objects and functions of the client, what the view has in their place; and the other way round. */
  const shown = new WeakMap<object, object>()
  const inside = new WeakMap<object, object>()

  const told = new Set<string>()
  const fault = (what: string): void => {
    if (!told.has(what)) settings.fault(what)
    told.add(what)
  }
  const inPlaceOf = <Value extends object>(original: Value, make: () => Value): Value => {
    const known = shown.get(original)
    if (known !== undefined) return known as Value
    const made = make()
    shown.set(original, made)
    inside.set(made, original)
    return made
  }
  return view(client)

  function view<Target extends object>(given: Target): Target {
    return inPlaceOf(given, (): Target => {
      const own: object = new Proxy(given as object, {
        get: (target, name) =>
          // The SDK's getters keep what they make in the object that they are read from.
          see(target, name, Reflect.get(target, name, isSdkGetter(target, name) ? target : own)),
        set: (target, name, value) => Reflect.set(target, name, original(value), target),
        // For spies: they replace a property by what they find it to be.
        getOwnPropertyDescriptor(target, name) {
          const found = Reflect.getOwnPropertyDescriptor(target, name)
          if (found !== undefined && 'value' in found) found.value = see(target, name, found.value)
          return found
        },
        defineProperty: (target, name, descriptor) =>
          Reflect.defineProperty(
            target,
            name,
            'value' in descriptor
              ? { ...descriptor, value: original(descriptor.value) }
              : descriptor,
          ),
      })
      return own as Target
    })
  }

  /** What the view has in place of a value of the client's. */
  function see(target: object, name: string | symbol, value: unknown): unknown {
    if (typeof name === 'symbol' || value === null) return value
    const make = replacement(target, name, value)
    if (make === undefined) return value
    if (!isFixed(target, name)) return inPlaceOf(value as object, make)
    fault(`"${name}" of a frozen client cannot be metered: meter it before it is frozen`)
    return value
  }

  function replacement(target: object, name: string, value: unknown): (() => object) | undefined {
    if (isSdkObject(value)) return () => view(value)
    if (name === '_options' && isSdkObject(target)) return () => observedOptions(target._options)
    if (typeof value !== 'function') return undefined
    if (isFacade(target) && Object.hasOwn(target, name) && isBound(value as Method, name)) {
      // The SDK binds all of them to the one client.
      const method = prototypeValue(target.clientV2, name) ?? prototypeValue(target.client, name)
      if (typeof method === 'function') return () => method.bind(view(target.clientV2)) as Method
    }
    if (!Object.hasOwn(target, name) && prototypeValue(target, name) !== value) {
      fault(
        `"${name}" of a wrapped client is not the SDK's own, so that its calls are not metered: ` +
          'meter the client first, and wrap what is metered',
      )
    }
    return undefined
  }

  function original(value: unknown): unknown {
    return (isObject(value) || typeof value === 'function' ? inside.get(value) : undefined) ?? value
  }

  function observedOptions(options: SdkOptions): SdkOptions {
    const send = settings.observe((input, init) => (options.fetch ?? fetch)(input, init))
    const own = new Map<string | symbol, unknown>([['fetch', send]])
    const { fetcher } = options
    if (typeof fetcher === 'function') own.set('fetcher', watched(fetcher as Method))
    return new Proxy(options, {
      get: (target, name) => (own.has(name) ? own.get(name) : Reflect.get(target, name)),
    })
  }

  /** A `fetcher` of the application's own: it is given a `fetch`, and need not send by it. */
  function watched(fetcher: Method): Method {
    return async (request: unknown, ...rest: unknown[]) => {
      const { fetchFn } = request as { readonly fetchFn?: typeof fetch }
      if (fetchFn === undefined) return fetcher(request, ...rest)
      let isUsed = false
      const seen: typeof fetch = (input, init) => {
        isUsed = true
        return fetchFn(input, init)
      }
      const answer = await fetcher({ ...(request as object), fetchFn: seen }, ...rest)
      if (!isUsed) {
        fault(
          'what the fetcher of a Cohere client sends is not metered: it sends by something else than ' +
            'the fetchFn that it is given. Use the option fetch in its place',
        )
      }
      return answer
    }
  }
}

/** True where the SDK's own class has a getter: it makes a resource at its first use. */
function isSdkGetter(target: object, name: string | symbol): boolean {
  for (let owner: object | null = target; owner !== null;) {
    const above = Object.getPrototypeOf(owner) as object | null
    const getter = Reflect.getOwnPropertyDescriptor(owner, name)?.get
    if (getter !== undefined) return above === Object.prototype
    owner = above
  }
  return false
}

/** True for a method that the SDK has bound, and not for a mock, which takes over its name. */
function isBound(value: Method, name: string): boolean {
  const isNative = Function.prototype.toString.call(value).includes('[native code]')
  return isNative && value.name === `bound ${name}` && Reflect.ownKeys(value).length === 2
}

function prototypeValue(target: object, name: string): unknown {
  const prototype = Object.getPrototypeOf(target) as object | null
  return prototype === null ? undefined : Reflect.get(prototype, name, target)
}

/** True for a property that a proxy must answer as it is. */
function isFixed(target: object, name: string): boolean {
  const descriptor = Reflect.getOwnPropertyDescriptor(target, name)
  return descriptor?.configurable === false && descriptor.writable === false
}
