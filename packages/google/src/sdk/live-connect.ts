import {
  isPromise,
  type ObservedCall,
  RefusedSession,
  StreamObservation,
  untilAdmitted,
} from '@token-meter/core/adapter'
import { jsonObject } from '@token-meter/core/wire'
import { isOfTurn, live } from '../wire/live.ts'
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
    // Of a socket nobody sees how its request was answered.
    if (session?.ofGateway) session.ofGateway = 'certain'
  } catch (refusal) {
    return Promise.reject(refusal as Error)
  }
  if (session === undefined) return Reflect.apply(connect, self, args)
  const turns = new LiveTurns(session, observation)
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
  return opened.then(
    (connected) => {
      turns.connected(connected)
      return connected
    },
    (error: unknown) => {
      // A session that was never opened used nothing.
      turns.close()
      throw error
    },
  )
}

/**
 * The turns of one session: each is recorded when it is over and its usage has come. What the session is held
 * for is that of its first turn; each other has a hold of its own, and where it is refused the session is closed.
 */
class LiveTurns {
  readonly #session: ObservedCall
  readonly #refused: RefusedSession
  #connected: unknown
  #closing: { readonly code: number; readonly reason: string } | undefined
  #hasBegun = false
  #turn: StreamObservation | undefined

  constructor(session: ObservedCall, observation: Observation) {
    this.#session = session
    this.#refused = new RefusedSession(
      (what, cause) => observation.fault(what, cause),
      (code, reason) => {
        this.#closing = { code, reason }
        closeSession(this.#connected, code, reason)
      },
    )
  }

  /** The SDK has the session, which may have been refused before. */
  connected(session: unknown): void {
    this.#connected = session
    const closing = this.#closing
    if (closing !== undefined) closeSession(session, closing.code, closing.reason)
  }

  see(message: unknown): void {
    if (this.#turn === undefined) {
      if (!isOfTurn(message)) return
      this.#turn = StreamObservation.open(this.#nextCall())
      this.#turn?.whenStopped(this, () => this.#refused.refuse(this.#turn?.stopped?.reason))
    }
    this.#turn?.push(message)
    if (this.#turn?.finished === true && !this.#turn.awaitsUsage) this.#end('complete')
  }

  #nextCall(): ObservedCall {
    const { call } = this.#session
    if (this.#hasBegun) return this.#refused.watch(this.#session.next(call, live))
    this.#hasBegun = true
    return this.#session.again(call, live)
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

/** Closes a session of the SDK, whose own way has no code: the caller's `onclose` is to see one. */
function closeSession(session: unknown, code: number, reason: string): void {
  try {
    const { ws } = jsonObject(jsonObject(session).conn) as { ws?: Partial<WebSocket> }
    if (typeof ws?.close === 'function') ws.close(code, reason)
    else (session as { close?: () => void } | undefined)?.close?.()
  } catch {
    // It is closed already.
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
