import type { DeliveryListener } from '../delivery/delivery.ts'
import { DeliveryError, ObserverError, type TokenMeterError } from '../errors/errors.ts'
import { handleRejection } from '../lib/promises.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** What a meter's listeners are told. */
export interface MeterEvents {
  /** A call's usage is in the outbox. */
  usage: UsageRecord
  /** A sink has these records. */
  delivered: { readonly sink: string; readonly records: readonly UsageRecord[] }
  /** Prepaid credit has paid for these records: a sink that bills was sent nothing of them. */
  covered: { readonly sink: string; readonly records: readonly UsageRecord[] }
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

/**
 * The events and errors of a meter. A listener that throws, now or later, hurts neither the call nor
 * the other listeners.
 */
export class MeterEmitter {
  readonly #listeners = new Map<keyof MeterEvents, Set<Listener<never>>>()
  readonly #onError: (error: TokenMeterError) => void
  /** Errors so far. */
  errorCount = 0

  constructor(onError: (error: TokenMeterError) => void = warnOnConsole()) {
    this.#onError = onError
  }

  /** Adds a listener. Returns how to remove it. */
  readonly on = <Name extends keyof MeterEvents>(
    name: Name,
    listener: Listener<Name>,
  ): (() => void) => {
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

  /** Hands an error to `onError` and to the listeners. */
  readonly emitError = (error: TokenMeterError): void => {
    this.errorCount++
    try {
      // An async handler's failure is handled as well.
      handleRejection(this.#onError(error))
    } catch {
      // Nobody is left to tell; a fault of the error handler must not reach the LLM call.
    }
    // That of a listener goes to no listener: it would throw again.
    if (error.code !== 'observer') this.emit('error', error)
  }

  readonly #onListenerError = (cause: unknown): void =>
    this.emitError(new ObserverError('a listener of on() threw', { cause }))
}

/**
 * What deliveries come to, as events and errors of a meter.
 * @param settled called for each record that a sink has, or has refused for good.
 */
export function deliveryListener(
  events: MeterEmitter,
  settled: (sink: string, id: string) => void,
): DeliveryListener {
  return {
    delivered: (sink, records) => {
      for (const { id } of records) settled(sink, id)
      events.emit('delivered', { sink, records })
    },
    covered: (sink, records) => {
      for (const { id } of records) settled(sink, id)
      events.emit('covered', { sink, records })
    },
    retrying: (sink, records, reason, afterMs) =>
      events.emit('retrying', { sink, records, reason, afterMs }),
    deadLetter: (sink, record, reason) => {
      settled(sink, record.id)
      events.emit('dead-letter', { sink, record, reason })
      events.emitError(
        new DeliveryError(
          `the sink "${sink}" refused record ${record.id}, which is a dead letter now (fix the cause ` +
            `and call outbox.requeue("${sink}")): ${reason}`,
          { sink, records: [record] },
        ),
      )
    },
    failing(sink, { since, reason }, stats) {
      const now = Date.now()
      const waiting =
        stats === undefined
          ? 'How much waits for it is not known'
          : `${stats.pending} usage record(s) wait for it, the oldest for ${inWords(now - (stats.oldestPendingAt ?? now))}`
      events.emitError(
        new DeliveryError(
          `the sink "${sink}" has taken nothing for ${inWords(now - since)}: ${reason}. ${waiting}. ` +
            'They are kept and tried again; check its key and the way to its backend.',
          { sink, failing: { since, reason } },
        ),
      )
    },
    fault: (sink, what, cause) =>
      events.emitError(new DeliveryError(`${sink}: ${what}`, { sink, cause })),
  }
}

const minuteMs = 60_000

function inWords(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / minuteMs))
  if (minutes < 120) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 72 ? `${hours} h` : `${Math.round(hours / 24)} days`
}

/** How long a kind of error is not repeated on the console, in ms. */
const throttleMs = minuteMs
const maxKinds = 100

/**
 * The default `onError`: one warning per kind of error and minute, with how many were left out.
 * Only usage that is in no bill and may be nowhere else is printed whole and each time, so that the
 * log has it: what could not be kept, and dead letters.
 */
export function warnOnConsole(
  warn: (line: string) => void = console.warn,
): (error: TokenMeterError) => void {
  const kinds = new Map<string, { at: number; leftOut: number }>()
  return (error) => {
    const line = `[token-meter] ${error.code}: ${error.message}`
    const { records = [] } = error as { readonly records?: readonly UsageRecord[] }
    if (records.length > 0) {
      warn(`${line} records: [${records.map(toJson).join(',')}]`)
      return
    }
    const name = kindOf(error)
    const kind = kinds.get(name)
    const now = performance.now()
    if (kind !== undefined && now - kind.at < throttleMs) {
      kind.leftOut++
      return
    }
    kinds.set(name, { at: now, leftOut: 0 })
    const [oldest] = kinds.keys()
    if (kinds.size > maxKinds && oldest !== undefined) kinds.delete(oldest)
    warn(kind?.leftOut ? `${line} (and ${kind.leftOut} more like it)` : line)
  }
}

const oneKindByMessage: ReadonlySet<string> = new Set(['observer', 'cost', 'held'])

/** Messages of observer faults, missing prices and held usage do not vary with the call. */
function kindOf(error: TokenMeterError): string {
  const { sink, failing } = error as { readonly sink?: string; readonly failing?: object }
  // It is said by the hour, and must not go under in what else fails then.
  if (failing !== undefined) return `failing ${sink}`
  return oneKindByMessage.has(error.code) ? error.message : error.code
}

function toJson(record: UsageRecord): string {
  try {
    return JSON.stringify(record, bigintAsString)
  } catch {
    return JSON.stringify({ ...record, raw: null }, bigintAsString)
  }
}

function bigintAsString(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
