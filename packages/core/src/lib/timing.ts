/**
 * Waiting, in the few meanings that it has here:
 *
 *     settledWithin       has the work ended by then, however it ended?
 *     valueBefore         its value, if it is there by a deadline
 *     abortable           the work, or the reason of the signal that comes first
 *     withTimeoutSignal   work with a signal of its own, which ends with the time
 *     requestWithin       both: such work, and no longer than its time
 *     sleep               nothing but the time, or less when a signal is aborted
 *     yieldToEventLoop    one turn of the event loop
 *     Timer               something to be done later, at the earliest time asked for
 *
 * None leaves a timer or a listener behind. Where a caller waits, the timer keeps the process alive,
 * or it could end under the caller; what happens in the background keeps none alive. Deadlines are
 * times of `performance.now()`, which never jumps.
 */
import type { Awaitable } from './promises.ts'

/** Beyond it timers of JavaScript fire at once, in ms. */
export const maxTimerMs = 2 ** 31 - 1

export interface WaitOptions {
  /** Whether the wait keeps the process alive. */
  readonly keepsAlive?: boolean
}

/** True when the work has ended, however it ended; false when `ms` were over before. */
export async function settledWithin(
  ms: number,
  work: Promise<unknown>,
  { keepsAlive = true }: WaitOptions = {},
): Promise<boolean> {
  let timer: Timeout | undefined
  const timeIsUp = new Promise<false>((resolve) => {
    timer = startTimer(() => resolve(false), ms, keepsAlive)
  })
  const ended = () => true
  const isSettled = await Promise.race([work.then(ended, ended), timeIsUp])
  clearTimeout(timer)
  return isSettled
}

/**
 * What was asked for, or `undefined` when it is not there by the deadline: an outbox that hangs must
 * not hold up a caller with a deadline.
 * @param deadline by `performance.now()`.
 * @throws what `ask` throws by then.
 */
export async function valueBefore<Value>(
  deadline: number,
  ask: () => Awaitable<Value>,
  options: WaitOptions = {},
): Promise<{ readonly value: Value } | undefined> {
  let answer: { readonly value: Value } | undefined
  let failure: { readonly cause: unknown } | undefined
  const noted = (async () => (answer = { value: await ask() }))().catch(
    (cause: unknown) => (failure = { cause }),
  )
  await settledWithin(deadline - performance.now(), noted, options)
  if (failure !== undefined) throw failure.cause
  return answer
}

/**
 * Waits for work, but no longer than until the signal is aborted: then it throws the signal's reason,
 * and the work goes on by itself.
 * @param graceMs how long work that heeds the signal may still take to say how far it came.
 */
export async function abortable<Value>(
  work: Promise<Value>,
  signal: AbortSignal,
  graceMs = 0,
): Promise<Value> {
  let stopListening = () => {}
  let grace: Timeout | undefined
  const aborted = new Promise<never>((_, reject) => {
    const giveUp = () => reject(signal.reason as Error)
    stopListening = onAbort(signal, () => {
      if (graceMs === 0) giveUp()
      else grace = startTimer(giveUp, graceMs, true)
    })
  })
  try {
    // The signal first: nobody waits for what comes after it. Of both, the loser's failure is handled.
    return await Promise.race([aborted, work])
  } finally {
    clearTimeout(grace)
    stopListening()
  }
}

/**
 * Runs work with a signal of its own, which is aborted with the given one and after `ms`. The time
 * keeps no process alive: the work does, if it has a connection.
 */
export async function withTimeoutSignal<Value>(
  ms: number,
  signal: AbortSignal,
  work: (own: AbortSignal) => Promise<Value>,
): Promise<Value> {
  // Of its own: an SDK leaves its listeners on the signal that it gets, `AbortSignal.any` grows its
  // sources with every request, and the caller's lives long.
  const controller = new AbortController()
  const stopListening = onAbort(signal, () => controller.abort(signal.reason))
  const timeIsUp = () => controller.abort(new Error(`it did not answer within ${ms} ms`))
  const timer = startTimer(timeIsUp, ms, false)
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
    stopListening()
  }
}

/**
 * Makes a request with a signal of its own, which is aborted with the given one and after
 * `timeoutMs`, and waits no longer than until then, whether the request heeds it or not.
 * @throws the signal's reason; at once, and without a request, where it is aborted already.
 */
export async function requestWithin<Value>(
  timeoutMs: number,
  signal: AbortSignal,
  request: (own: AbortSignal) => Promise<Value>,
): Promise<Value> {
  signal.throwIfAborted()
  return await withTimeoutSignal(timeoutMs, signal, (own) => abortable(request(own), own))
}

export interface SleepOptions extends WaitOptions {
  /** Ends the sleep early. It throws nothing: look at the signal afterwards. */
  readonly signal?: AbortSignal | undefined
}

/** Resolves after `ms`, or as soon as the signal is aborted. By itself it keeps no process alive. */
export async function sleep(
  ms: number,
  { signal, keepsAlive = false }: SleepOptions = {},
): Promise<void> {
  if (signal?.aborted === true) return
  let timer: Timeout | undefined
  let stopListening = () => {}
  await new Promise<void>((resolve) => {
    timer = startTimer(resolve, ms, keepsAlive)
    if (signal !== undefined) stopListening = onAbort(signal, resolve)
  })
  clearTimeout(timer)
  stopListening()
}

/**
 * Lets timers and connections have their turn: with a sink that answers at once, a whole backlog
 * would be one turn of the event loop. Nothing that holds a process for longer than that.
 */
export function yieldToEventLoop(): Promise<void> {
  // Not there in every runtime.
  const { setImmediate: soon } = globalThis as Partial<typeof globalThis>
  return new Promise((resolve) => {
    if (soon === undefined) setTimeout(resolve, 0)
    // Unreferenced, it would wait for whatever wakes the process next.
    else soon(resolve)
  })
}

/** Runs something at the earliest time that anyone asked for, and never keeps the process alive. */
export class Timer {
  readonly #run: () => void
  #timer: Timeout | undefined
  #runsAt = Number.POSITIVE_INFINITY

  constructor(run: () => void) {
    this.#run = run
  }

  /** Runs after `delayMs` at the latest. */
  scheduleWithin(delayMs: number): void {
    const runsAt = performance.now() + delayMs
    if (runsAt >= this.#runsAt) return
    clearTimeout(this.#timer)
    this.#runsAt = runsAt
    this.#timer = startTimer(
      () => {
        this.#runsAt = Number.POSITIVE_INFINITY
        this.#run()
      },
      delayMs,
      false,
    )
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#runsAt = Number.POSITIVE_INFINITY
  }
}

/**
 * Callbacks by signal. One signal serves all that waits in a send, and a list of listeners is
 * searched with each that comes and goes.
 */
const callbacks = new WeakMap<AbortSignal, { readonly all: Set<() => void>; end(): void }>()

/**
 * Calls back once when the signal is aborted, at once where it is already, unless what it returns was
 * called before: that ends it.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback()
    return () => {}
  }
  const own = callbacks.get(signal) ?? listen(signal)
  // Its own function, so that the same callback can be there twice.
  const entry = () => callback()
  own.all.add(entry)
  return () => {
    own.all.delete(entry)
    if (own.all.size === 0) own.end()
  }
}

function listen(signal: AbortSignal) {
  const all = new Set<() => void>()
  const onEvent = () => {
    for (const callback of all) callback()
  }
  const own = {
    all,
    end: () => {
      signal.removeEventListener('abort', onEvent)
      if (callbacks.get(signal) === own) callbacks.delete(signal)
    },
  }
  signal.addEventListener('abort', onEvent)
  callbacks.set(signal, own)
  return own
}

type Timeout = ReturnType<typeof setTimeout>

function startTimer(run: () => void, ms: number, keepsAlive: boolean): Timeout {
  const timer = setTimeout(run, Math.min(Math.max(0, ms), maxTimerMs))
  // On edge runtimes a timer is a number.
  if (!keepsAlive) (timer as Partial<NodeJS.Timeout>).unref?.()
  return timer
}
