/**
 * What is known of objects in the whole process: which answers were recorded, which responses nobody can
 * read any more, and which client stands inside a metered one.
 */

// The same symbol in every copy of this package: a response that one meter has recorded is not
// recorded again by another meter around it, or by a wrapper that hands the same object on.
// A hidden property and not a WeakSet, which cost 3 to 4 microseconds a call, half of it in the
// garbage collector.
const mark = Symbol.for('token-meter.observed')

/** True the first time it sees a response object or stream; what is not an object is always new. */
export function markObserved(response: unknown): boolean {
  if (response === null || typeof response !== 'object') return true
  if (mark in response) return false
  Reflect.defineProperty(response, mark, { value: true, configurable: true })
  return true
}

/** What follows one answer. */
interface AnswerOwner {
  /** The answer is not to be billed by it. */
  dismiss(): void
}

const owner = Symbol.for('token-meter.answer-owner')

/**
 * The raw response of a call has come, and the call pays for it: what followed the response before,
 * inside it (a metered `fetch` of a metered client), does not.
 */
export function takeAnswer(response: object, call: AnswerOwner): void {
  const before = (response as { [owner]?: AnswerOwner })[owner]
  if (before !== undefined && before !== call) before.dismiss()
}

/**
 * A call follows a raw response from now on, and takes it.
 * @returns false where it does already.
 */
export function followAnswer(response: object, call: AnswerOwner): boolean {
  if ((response as { [owner]?: AnswerOwner })[owner] === call) return false
  takeAnswer(response, call)
  const hidden = { value: call, configurable: true, writable: true }
  Reflect.defineProperty(response, owner, hidden)
  return true
}

/** What has to be told when nobody can read a response any more. It must not hold the response. */
export interface ResponseWatcher {
  dropped(): void
}

// Workers with a compatibility date before May 2025 have none: there what is dropped is not seen.
const registry =
  typeof FinalizationRegistry === 'undefined'
    ? undefined
    : new FinalizationRegistry<ResponseWatcher>((watcher) => watcher.dropped())

/**
 * Tells the watcher when a response was dropped without being read: it was generated, and is owed,
 * all the same. An object and not a function, which would easily hold the response through the
 * scope that it was made in.
 */
export function whenDropped(response: object, watcher: ResponseWatcher): void {
  registry?.register(response, watcher)
}

// Process-wide, also across copies of this package: wrapping a wrapped client again wraps what is
// inside, so that a call is recorded once, for the customer named last.
const key = Symbol.for('token-meter.wrapped-clients')
const shared = globalThis as { [key]?: WeakMap<object, object> }
const clients = (): WeakMap<object, object> => (shared[key] ??= new WeakMap())

/** The client inside a metered one; any other client as it is. */
export function unwrap<Client extends object>(client: Client): Client {
  return (clients().get(client) as Client | undefined) ?? client
}

export function registerWrapper(wrapped: object, client: object): void {
  clients().set(wrapped, client)
}
