import {
  isPromise,
  type ObservedCall,
  StreamObservation,
  untilAdmitted,
} from '@token-meter/core/adapter'
import { live } from '../wire/live.ts'
import { modelName } from '../wire/routes.ts'
import type { Method } from './api-client.ts'
import type { Observation } from './google-observation.ts'

type Callbacks = Record<string | symbol, unknown>

/**
 * `live.connect`: the messages of the session pass the meter on their way to the caller's
 * `onmessage`. Who pays is found once, when the session begins, because its messages come when the
 * server sends them.
 */
export function connectObserved(
  observation: Observation,
  connect: Method,
  self: unknown,
  args: unknown[],
): unknown {
  const [params] = args
  const { model, callbacks } = (params ?? {}) as { model?: unknown; callbacks?: unknown }
  if (typeof callbacks !== 'object' || callbacks === null) return Reflect.apply(connect, self, args)
  let session: ObservedCall | undefined
  try {
    session = observation.beginCall(live, { model: modelName(String(model)) }, 'GET')
  } catch (refusal) {
    return Promise.reject(refusal as Error)
  }
  if (session === undefined) return Reflect.apply(connect, self, args)
  const turns = new LiveTurns(session)
  const observed = observedCallbacks(callbacks as Callbacks, turns)
  const observedParams = new Proxy(params as object, {
    get: (target, name) => (name === 'callbacks' ? observed : Reflect.get(target, name, target)),
    // The SDK writes its defaults into the caller's own parameters.
    set: (target, name, value) => Reflect.set(target, name, value, target),
  })
  const open = (): unknown => Reflect.apply(connect, self, [observedParams, ...args.slice(1)])
  const { admission } = session
  const opened = admission === undefined ? open() : untilAdmitted(session).then(open)
  if (!isPromise(opened)) return opened
  // A session that was never opened used nothing.
  return opened.then(undefined, (error: unknown) => {
    turns.close()
    throw error
  })
}

/** The turns of one session: each is recorded when it is over and its usage has come. */
class LiveTurns {
  readonly #session: ObservedCall
  #turn: StreamObservation | undefined

  constructor(session: ObservedCall) {
    this.#session = session
  }

  see(message: unknown): void {
    const { call } = this.#session
    this.#turn ??= StreamObservation.open(this.#session.again(call, live))
    this.#turn?.push(message)
    if (this.#turn?.finished === true && !this.#turn.awaitsUsage) this.#end('complete')
  }

  /** The session is over, perhaps in the middle of a turn. */
  close(): void {
    this.#end('interrupted')
    // Each turn is a call of its own, and settles what is held.
    this.#session.dismiss()
  }

  #end(end: 'complete' | 'interrupted'): void {
    this.#turn?.end(end)
    this.#turn = undefined
  }
}

/** The caller's callbacks, called in the same order and on the same object. */
function observedCallbacks(callbacks: Callbacks, turns: LiveTurns): Callbacks {
  const before: Readonly<Record<string, (argument: unknown) => void>> = {
    onmessage: (message) => turns.see(message),
    onclose: () => turns.close(),
  }
  const observed: Callbacks = new Proxy(callbacks, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      const observe =
        typeof name === 'string' && Object.hasOwn(before, name) ? before[name] : undefined
      if (typeof value === 'function') {
        return function (this: unknown, ...args: unknown[]): unknown {
          observe?.(args[0])
          return Reflect.apply(value, this === observed ? target : this, args)
        }
      }
      if (name !== 'onclose' || (value !== undefined && value !== null)) return value
      // Reads as the SDK's own default, which tests have been seen to look at.
      return function (e: unknown): void {
        void e
        turns.close()
      }
    },
  })
  return observed
}
