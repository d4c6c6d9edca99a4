import type { TokenMeterError } from '../errors/errors.ts'
import { handleRejection } from '../lib/promises.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** What a meter's listeners are told. */
export interface MeterEvents {
  /** A call's usage is in the outbox. */
  usage: UsageRecord
  /** A sink has these records. */
  delivered: { readonly sink: string; readonly records: readonly UsageRecord[] }
  /** A sink could not take these records yet; again after `afterMs` at the earliest. */
  retrying: {
    readonly sink: string
    readonly records: readonly UsageRecord[]
    readonly reason: string
    readonly afterMs: number
  }
  /** A sink refused this record for good. */
  'dead-letter': { readonly sink: string; readonly record: UsageRecord; readonly reason: string }
  /** Something went wrong in the metering; the LLM call did not notice. */
  error: TokenMeterError
}

type Listener<Name extends keyof MeterEvents> = (event: MeterEvents[Name]) => void

/** Typed events. A listener that throws, now or later, hurts neither the call nor the other listeners. */
export class MeterEmitter {
  readonly #listeners = new Map<keyof MeterEvents, Set<Listener<never>>>()
  readonly #onListenerError: (cause: unknown) => void

  constructor(onListenerError: (cause: unknown) => void) {
    this.#onListenerError = onListenerError
  }

  /** Adds a listener; the answer removes it. */
  on<Name extends keyof MeterEvents>(name: Name, listener: Listener<Name>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  emit<Name extends keyof MeterEvents>(name: Name, event: MeterEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        handleRejection((listener as (event: unknown) => unknown)(event), this.#onListenerError)
      } catch (cause) {
        this.#onListenerError(cause)
      }
    }
  }
}
