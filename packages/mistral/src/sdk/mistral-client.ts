import { clientView, type SendingObservation, withRefusals } from '@token-meter/core/adapter'

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

type Observe = SendingObservation['observe']

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

// `Reflect.apply` is how these are called.
type Method = (...args: unknown[]) => unknown

/**
 * A view of the client that sends through `observe`, and so do its resources. The SDK keeps what it sends
 * by in private fields, which a view has none of: what makes a request runs on the object itself, and what
 * sends it on another one of the same options.
 */
export function observedClient<Client extends SdkObject>(
  client: Client,
  { observe, fault }: SendingObservation,
): Client {
  const targets = new WeakMap<object, SdkObject>()
  const senders = new WeakMap<object, SdkObject>()
  const senderOf = (target: SdkObject): SdkObject => {
    let sender = senders.get(target)
    if (sender === undefined) senders.set(target, (sender = observedSender(target, observe)))
    return sender
  }
  return clientView(client, {
    fault,
    replacement(target, name, value, view) {
      if (isSdkObject(value)) return () => view(value)
      if (typeof value !== 'function' || !isSdkObject(target)) return undefined
      if (!privately.has(name)) {
        return isSending(target, name, value) ? () => refusable(value as Method) : undefined
      }
      // One method for all of the objects of the SDK.
      targets.set(view(target), target)
      return () =>
        new Proxy(value as Method, {
          apply(method, self: object, args: unknown[]) {
            const own = targets.get(self)
            if (own === undefined) return Reflect.apply(method, self, args)
            return Reflect.apply(method, name === '_do' ? senderOf(own) : own, args)
          },
        })
    },
  })
}

/** True for a method of the SDK's own that sends, and not for what stands in its place. */
function isSending(target: object, name: string, value: unknown): boolean {
  if (name.startsWith('_') || name === 'constructor') return false
  return Reflect.get(Object.getPrototypeOf(target) as object, name) === value
}

/** A method whose refusals come out as they are: the SDK wraps what its HTTP client throws. */
function refusable(method: Method): Method {
  return new Proxy(method, {
    apply: (_, self: object, args: unknown[]) =>
      withRefusals(
        () => Reflect.apply(method, self, args),
        (answer, map) => (answer instanceof Promise ? answer.then(undefined, map) : answer),
      ),
  })
}

/** The methods of the SDK that look at private fields. */
const privately: ReadonlySet<string> = new Set(['_createRequest', '_do'])

/** An object that sends as the given one does, through `observe`. */
function observedSender(object: SdkObject, observe: Observe): SdkObject {
  const { hooks, ...options } = object._options
  const own = { ...options, hooks: observingHooks(hooks, observe) }
  return Reflect.construct(makerOf(object), [own]) as SdkObject
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
