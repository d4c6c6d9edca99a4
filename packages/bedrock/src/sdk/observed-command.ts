import type { BedrockObservation, SignalLike } from './bedrock-observation.ts'
import type { Command, HandlerArguments, Middleware, MiddlewareStack } from './bedrock-client.ts'

/** A command as a client is given it that is to be metered. */
export interface ObservedCommand {
  /** A proxy, so that it is in every other respect the caller's own. */
  readonly command: Command
  /** Whether it has passed the SDK's middleware. */
  readonly reached: () => boolean
}

interface Observed {
  readonly inside: Command
  reached: boolean
}

/** The proxies of commands that are under way. */
const observed = new WeakMap<object, Observed>()

/**
 * A command that is metered wherever it is sent: it adds the meter's middleware to the list that its
 * client resolves for it, and to no list that anybody keeps. So neither the client nor the caller's
 * command is changed, and it makes no difference who stands between: a spy, a wrapper, a subclass.
 *
 * One that is observed already is observed by this client instead: it is the one that sends it.
 *
 * @param constructors stand-ins for classes of commands, where the SDK keeps resolved lists by them.
 * @param signal by which the caller can abort it.
 */
export function observeCommand(
  given: Command,
  observation: BedrockObservation,
  constructors: WeakMap<object, object> | undefined,
  signal: SignalLike | undefined,
): ObservedCommand {
  const outer = observed.get(given)
  if (outer !== undefined) outer.reached = true
  const state: Observed = { inside: outer?.inside ?? given, reached: false }
  const middleware: Middleware = (next, { commandName }) => {
    return (args) => {
      state.reached = true
      // From here on it is the command itself, as it is raw, and no proxy is read again and again.
      const own =
        (args as unknown) === command ? (state.inside as unknown as HandlerArguments) : args
      return observation.handle(String(commandName), next, own, signal)
    }
  }
  const command = new Proxy(state.inside, {
    get(target, name, receiver) {
      // The command's own methods see the command: classes of applications can have private fields.
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name === 'constructor') return constructors ? standIn(value, constructors) : value
      if (name !== 'resolveMiddleware') return value
      return (stack: MiddlewareStack, ...rest: unknown[]) =>
        Reflect.apply(value, receiver === command ? target : receiver, [
          withMiddleware(stack, middleware),
          ...rest,
        ]) as unknown
    },
  })
  observed.set(command, state)
  return { command, reached: () => state.reached }
}

/**
 * With `cacheMiddleware` a client keeps what it resolved by the class of the command, for all who
 * send by it: what has the middleware of a meter in it must be nobody else's.
 */
function standIn(constructor: object, constructors: WeakMap<object, object>): object {
  let known = constructors.get(constructor)
  if (known === undefined) {
    known = new Proxy(constructor, {})
    constructors.set(constructor, known)
  }
  return known
}

/**
 * The innermost of the first step: it sees the input as the application's own middleware leaves it,
 * the answer as the SDK made it, and none of the SDK's retries.
 */
const place = { step: 'initialize', priority: 'low' } as const

/** The same list with one more, as far as a command asks it: nothing is added to the list itself. */
function withMiddleware(stack: MiddlewareStack, middleware: Middleware): MiddlewareStack {
  const add = (own: MiddlewareStack): MiddlewareStack => {
    own.add(middleware, place)
    return own
  }
  return {
    ...stack,
    concat: (from) => add(stack.concat(from)),
    clone: () => add(stack.clone()),
    resolve: (handler, context) => add(stack.clone()).resolve(handler, context),
  }
}
