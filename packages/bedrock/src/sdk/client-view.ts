import {
  AssignedFunctions,
  canScope,
  hasPrivateFields,
  isFixed,
  isPromise,
  observeRawRequests,
  observeThirdParty,
  prototypeOwning,
  runInScope,
} from '@token-meter/core/adapter'
import { jsonObject } from '@token-meter/core/wire'
import { type BedrockClient, type Command, isCommand } from './bedrock-client.ts'
import type { BedrockObservation, SignalLike } from './bedrock-observation.ts'
import { observeCommand } from './observed-command.ts'

type Method = (...args: unknown[]) => unknown

/**
 * A client that is the given one in every respect, except that the commands it sends are observed. The
 * methods of the aggregated client, of helpers and of subclasses send by it too.
 */
export function clientView<Client extends BedrockClient>(
  client: Client,
  observation: BedrockObservation,
): Client {
  const callersOwn = new AssignedFunctions()
  const wrapped = new WeakMap<Method, Method>()
  const constructors = new WeakMap<object, object>()
  const baseClass = prototypeOwning(client, 'send')
  const sdkClass = sdkClassOf(client, baseClass)
  const isPrivate = hasPrivateFields(client, sdkClass)

  const cached = (original: Method, apply: (self: unknown, args: unknown[]) => unknown): Method => {
    let method = wrapped.get(original)
    if (method === undefined) {
      method = new Proxy(original, { apply: (_, self, args: unknown[]) => apply(self, args) })
      wrapped.set(original, method)
    }
    return method
  }

  const view: Client = new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof name === 'symbol' || typeof value !== 'function' || name === 'constructor') {
        return value
      }
      if (callersOwn.has(value) || isFixed(target, name)) return value
      const method = value as Method
      if (name === 'send') return cached(method, (self, args) => send(method, ownSelf(self), args))
      // A method with private fields runs on the client itself, and is observed while it does.
      return isPrivate && !isOfSdk(name)
        ? cached(method, (self, args) => inside(method, self, args))
        : value
    },
    set: (target, name, value) => callersOwn.assign(target, name, value),
  })
  return view

  function ownSelf(self: unknown): unknown {
    return self === view && isPrivate ? client : self
  }

  function isOfSdk(name: string): boolean {
    return Object.hasOwn(client, name) || name in sdkClass
  }

  /** One command is sent. `original` is the SDK's function, or what stands in its place. */
  function send(original: Method, self: unknown, args: unknown[]): unknown {
    const [given, ...options] = args
    if (!isCommand(given)) return Reflect.apply(original, self, args) as unknown
    const { cacheMiddleware } = client.config as { cacheMiddleware?: unknown }
    const { command, reached } = observeCommand(
      given,
      observation,
      cacheMiddleware === true ? constructors : undefined,
      signalOf(options[0]),
    )
    const answer: unknown = Reflect.apply(original, self, [command, ...options])
    const isSdk = baseClass !== undefined && Reflect.get(baseClass, 'send') === original
    if (isSdk || !isPromise(answer)) return answer
    return observeThirdParty(answer, (output) => {
      if (!reached()) observation.mocked(commandName(given), given.input as never, output)
      return output
    })
  }

  function inside(method: Method, self: unknown, args: unknown[]): unknown {
    if (self !== view) return Reflect.apply(method, self, args) as unknown
    // A function of the client's own in the place of `send` is reached past any stand-in for it.
    const isOwn = Object.prototype.propertyIsEnumerable.call(client, 'send')
    if (isOwn || !canScope || !observeRawRequests(client, ['send'])) {
      observation.report('a method of a subclass runs unmetered: call send() on the metered client')
      return Reflect.apply(method, client, args) as unknown
    }
    const observes = (_: string, original: Method, request: unknown[]): unknown =>
      send(original, client, request)
    return runInScope({ observes, reached: false }, () => Reflect.apply(method, client, args))
  }
}

/** Of the options of a request, in whose place a callback can stand. */
function signalOf(options: unknown): SignalLike | undefined {
  const { abortSignal } = jsonObject(options)
  return typeof abortSignal === 'object' && abortSignal !== null ? abortSignal : undefined
}

/** The name that the SDK gives its classes of commands. */
function commandName(command: Command): string {
  for (let at: unknown = command; at !== null; at = Object.getPrototypeOf(at)) {
    const { name } = (at as { constructor: { name: string } }).constructor
    if (name.endsWith('Command') && name !== 'Command') return name
  }
  return ''
}

/** The SDK's client class itself: the one above its base class. */
function sdkClassOf(client: object, baseClass: object | undefined): object {
  let above = client
  for (let at: object | null = client; at !== null && at !== baseClass;) {
    above = at
    at = Object.getPrototypeOf(at) as object | null
  }
  return above
}
