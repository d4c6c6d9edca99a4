/**
 * One answer that two meters see is metered once: the outermost names who pays, and takes the answer
 * from the one inside. Where a metered client sends through a metered `fetch` they see the same
 * `Response` (`registry.ts`). What shows only a part of it (the AI SDK's models, streams of chunks) opens
 * a scope around its request: the calls of a metered `fetch` that are begun in it are not recorded before
 * the scope is over, and one of them can be taken.
 *
 * Requests that are made on the side in such a scope, as by a middleware, are not those of the call
 * around it, and count.
 */
import { asyncStorage } from '../lib/runtime.ts'
import type { HttpHeaders } from '../wire/http-headers.ts'
import type { ObservedCall, RecordHolder } from './observed-call.ts'

// One for the process, also across copies of this package.
const key = Symbol.for('token-meter.has-metered-fetch')
const shared = globalThis as { [key]?: boolean }

/** A metered `fetch` was made in this process: from now on, answers can be seen twice. */
export function expectSeenTwice(): void {
  shared[key] = true
}

/** False while no metered `fetch` was made. */
export function canBeSeenTwice(): boolean {
  return shared[key] === true
}

const storage = asyncStorage<AnswerScope | undefined>('token-meter.answer-scope')

/** How long the record of an inner call waits at most, in ms. */
const mostHeldMs = 60_000

export class AnswerScope implements RecordHolder {
  readonly #calls = new Map<ObservedCall, HttpHeaders | undefined>()
  readonly #records = new Map<ObservedCall, HeldRecord>()
  #isOver = false

  /** The scope in which a call is begun. */
  static current(): AnswerScope | undefined {
    const scope = storage?.getStore()
    return scope === undefined || scope.#isOver ? undefined : scope
  }

  /** `undefined` where no answer can be seen twice. */
  static open(): AnswerScope | undefined {
    return canBeSeenTwice() && storage !== null ? new AnswerScope() : undefined
  }

  run<Result>(work: () => Result): Result {
    return storage === null ? work() : storage.run(this, work)
  }

  /** A call inside has its answer. */
  offer(call: ObservedCall, headers: HttpHeaders | undefined): void {
    if (!this.#isOver) this.#calls.set(call, headers)
  }

  /**
   * What a call inside used is known.
   * @returns false where it is recorded at once: the scope is over.
   */
  hold(call: ObservedCall, write: () => void): boolean {
    if (this.#isOver) return false
    let isWritten = false
    const once = (): void => {
      if (!isWritten) write()
      isWritten = true
    }
    this.#records.set(call, { write: once, cancel: call.defer(once, mostHeldMs) })
    return true
  }

  /**
   * Takes the last answer that is the one of the call around: by its headers, or, where the call around
   * saw none, the only one there is.
   *
   * @param headers as the call around has them, by their names in lower case.
   */
  takeAnswer(headers: unknown): void {
    const entries = Object.entries((headers ?? {}) as Readonly<Record<string, unknown>>)
    const isSame = (own: HttpHeaders | undefined) =>
      entries.length === 0
        ? this.#calls.size === 1
        : entries.every(([name, value]) => own?.get(name) === value)
    const [call] = [...this.#calls].findLast(([, own]) => isSame(own)) ?? []
    if (call !== undefined) this.#take(call)
  }

  /** Takes the answers of one endpoint: the call around makes no other request of it. */
  takeEndpoint(name: string): void {
    for (const call of this.#calls.keys()) if (call.endpoint.name === name) this.#take(call)
  }

  #take(call: ObservedCall): void {
    call.dismiss()
    this.#records.get(call)?.cancel()
    this.#records.delete(call)
  }

  /** Records what was not taken. */
  close(): void {
    this.#isOver = true
    for (const { cancel, write } of this.#records.values()) {
      cancel()
      write()
    }
    this.#records.clear()
    this.#calls.clear()
  }
}

interface HeldRecord {
  write(): void
  cancel(): void
}
