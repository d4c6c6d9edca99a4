/**
 * A Mistral client by its shape, from SDK 1 to 2: `Mistral`, and subclasses of it. Never by class: an
 * application can hold two copies of the SDK.
 */
export interface MistralClient {
  readonly _options: object
  readonly chat: object
  readonly fim: object
}

/**
 * True for what has the shape of a Mistral client. Its resources are made at their first use, so none
 * is looked at.
 */
export function isMistralClient(client: object): client is MistralClient {
  return isSdkObject(client) && 'chat' in client && 'fim' in client && 'ocr' in client
}

/** What the client and each of its resources are: they send requests by a client of their own. */
export interface SdkObject {
  readonly _options: { readonly hooks: SdkHooks }
  _do(request: Request, options: unknown): unknown
}

/** Whether a value is the client or one of its resources. */
export function isSdkObject(value: unknown): value is SdkObject {
  if (typeof value !== 'object' || value === null) return false
  const { _do, _createRequest, _options } = value as Record<string, unknown>
  return (
    typeof _do === 'function' &&
    typeof _createRequest === 'function' &&
    typeof (_options as { hooks?: Partial<SdkHooks> } | undefined)?.hooks?.sdkInit === 'function'
  )
}

/** The SDK's `HTTPClient`, as far as it is used here. */
interface HttpClient {
  request(request: Request): Promise<Response>
  clone(): HttpClient
}

type Observe = (send: typeof fetch) => typeof fetch

/** An HTTP client that sends as the given one does, hooks and all, through `observe`. */
function observedHttpClient(inner: HttpClient, observe: Observe): HttpClient {
  const observed = observe((input, init) => inner.request(new Request(input, init)))
  const own: HttpClient = {
    request: (request) => observed(request),
    clone: () => observedHttpClient(inner.clone(), observe),
  }
  return Object.create(inner, Object.getOwnPropertyDescriptors(own)) as HttpClient
}

/** Where the SDK's constructor asks which HTTP client to send by. */
interface SdkHooks {
  sdkInit(options: { readonly client: HttpClient }): { readonly client: HttpClient }
}

/** The same hooks, lists and all, by which whatever is constructed with them sends through `observe`. */
function observingHooks(hooks: SdkHooks, observe: Observe): SdkHooks {
  const own: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(hooks)
  const sdkInit: SdkHooks['sdkInit'] = (options) => {
    const init = hooks.sdkInit(options)
    return { ...init, client: observedHttpClient(init.client, observe) }
  }
  own['sdkInit'] = { value: sdkInit, configurable: true, writable: true }
  return Object.create(Object.getPrototypeOf(hooks) as object, own) as SdkHooks
}

/**
 * The same client, sending through `observe`. The SDK keeps what it sends by in a private field, which
 * only its constructor sets: so the part of the client that the SDK makes is made again, from the same
 * options, and everything else of it is taken over. Resources are made by their client, with its hooks.
 */
export function observedSdkObject<Client extends SdkObject>(
  client: Client,
  observe: Observe,
): Client {
  const { hooks, ...options } = client._options
  const made = Reflect.construct(makerOf(client), [
    { ...options, hooks: observingHooks(hooks, observe) },
  ]) as Client
  Object.setPrototypeOf(made, Object.getPrototypeOf(client) as object)
  const own: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(client)
  delete own['_options']
  for (const descriptor of Object.values(own)) {
    // A resource that was used already, perhaps with functions that a test has put into it.
    const value: unknown = descriptor.value
    if (isSdkObject(value)) descriptor.value = observedSdkObject(value, observe)
  }
  return Object.defineProperties(made, own)
}

type Maker = new (options: object) => object

/** The class of the SDK that all of its objects have in common. */
function makerOf(object: object): Maker {
  let found: object = object
  for (let at: unknown = object; at !== null; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at as object, '_do')) found = at as object
  }
  return found.constructor as Maker
}
