import { clientView, type SendingObservation, withRefusals } from '@token-meter/core/adapter'

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

// `Reflect.apply` is how these are called.
type Method = (...args: unknown[]) => unknown

/**
 * A view of the client whose options, and those of its resources, have an observed `fetch`: the SDK looks
 * for it there with each request.
 */
export function observedClient<Client extends object>(
  client: Client,
  { observe, fault }: SendingObservation,
): Client {
  return clientView(client, {
    fault,
    replacement(target, name, value, view) {
      if (isSdkObject(value)) return () => view(value)
      if (name === '_options' && isSdkObject(target)) {
        return () => observedOptions(target._options, { observe, fault })
      }
      if (typeof value !== 'function') return undefined
      if (isFacade(target) && Object.hasOwn(target, name) && isBound(value as Method, name)) {
        // The SDK binds all of them to the one client.
        const method = prototypeValue(target.clientV2, name) ?? prototypeValue(target.client, name)
        if (typeof method === 'function') {
          return () => refusable(method.bind(view(target.clientV2)) as Method)
        }
      }
      const isSdks = prototypeValue(target, name) === value && name !== 'constructor'
      return isSdks && !name.startsWith('_') ? () => refusable(value as Method) : undefined
    },
  })
}

/**
 * A method whose refusals come out as they are: the SDK wraps what its `fetch` throws, or takes its message
 * alone. Its promise has the answer in another one, and is lazy.
 */
function refusable(method: Method): Method {
  return new Proxy(method, {
    apply: (_, self, args: unknown[]) =>
      withRefusals(
        () => Reflect.apply(method, self, args),
        (answer, map) => {
          const { innerPromise } = (answer ?? {}) as { innerPromise?: unknown }
          if (answer instanceof Promise && innerPromise instanceof Promise) {
            return Object.assign(answer, { innerPromise: innerPromise.then(undefined, map) })
          }
          return answer instanceof Promise ? answer.then(undefined, map) : answer
        },
      ),
  })
}

function observedOptions(options: SdkOptions, { observe, fault }: SendingObservation): SdkOptions {
  const send = observe((input, init) => (options.fetch ?? fetch)(input, init))
  const own = new Map<string | symbol, unknown>([['fetch', send]])
  const { fetcher } = options
  if (typeof fetcher === 'function') own.set('fetcher', watchedFetcher(fetcher as Method, fault))
  return new Proxy(options, {
    get: (target, name) => (own.has(name) ? own.get(name) : Reflect.get(target, name)),
  })
}

/** A `fetcher` of the application's own: it is given a `fetch`, and need not send by it. */
function watchedFetcher(fetcher: Method, fault: (what: string) => void): Method {
  return async (request: unknown, ...rest: unknown[]) => {
    const { fetchFn } = request as { readonly fetchFn: typeof fetch }
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

/** True for a method that the SDK has bound, and not for a mock, which takes over its name. */
function isBound(value: Method, name: string): boolean {
  const isNative = Function.prototype.toString.call(value).includes('[native code]')
  return isNative && value.name === `bound ${name}` && Reflect.ownKeys(value).length === 2
}

function prototypeValue(target: object, name: string): unknown {
  const prototype = Object.getPrototypeOf(target) as object | null
  return prototype === null ? undefined : Reflect.get(prototype, name, target)
}
