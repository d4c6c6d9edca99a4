/** What is told of usage that came with Stripe's headers. */
import type { UnsentReason } from './header-note.ts'

/** `stripe_meter_failed`: a record could not be billed at the account of its headers, by now or for good. */
export interface StripeMeterFailure {
  readonly recordId: string
  /** Of the headers. */
  readonly customer: string
  /** Without the key. */
  readonly reason: string
  /** It is a dead letter now; else it is tried again. */
  readonly isFinal: boolean
}

/** Counts of this process, of records that came with the headers. */
export interface StripeHeadersStats {
  readonly billed: number
  /** Attempts that failed: `stripe_meter_failed`. */
  readonly failed: number
  /** Billed nowhere, since one of the two headers was missing. */
  readonly incomplete: number
  /** Billed nowhere, since there was no secret to seal the key under. */
  readonly withoutSecret: number
  /** Billed nowhere, since the answer was cut off or its usage is an estimate. */
  readonly notWhole: number
}

const toldEveryMs = 60 * 60 * 1000

export class HeaderCounts {
  readonly #onFailed: ((failure: StripeMeterFailure) => void) | undefined
  readonly #counts = { billed: 0, failed: 0, incomplete: 0, withoutSecret: 0, notWhole: 0 }
  #toldAt = Number.NEGATIVE_INFINITY

  /** @param onFailed @default the console, hourly */
  constructor(onFailed: ((failure: StripeMeterFailure) => void) | undefined) {
    this.#onFailed = onFailed
  }

  stats(): StripeHeadersStats {
    return { ...this.#counts }
  }

  billed(): void {
    this.#counts.billed++
  }

  unsent(why: Exclude<UnsentReason, 'gone'> | 'not_whole'): void {
    if (why === 'not_whole') this.#counts.notWhole++
    else if (why === 'no_secret') this.#counts.withoutSecret++
    else this.#counts.incomplete++
  }

  failed(failure: StripeMeterFailure): void {
    this.#counts.failed++
    try {
      if (this.#onFailed !== undefined) return this.#onFailed(failure)
    } catch {
      // The application's own.
      return
    }
    const now = performance.now()
    if (now - this.#toldAt < toldEveryMs) return
    this.#toldAt = now
    const { customer, reason, isFinal } = failure
    const next = isFinal ? 'It is a dead letter' : 'It is tried again'
    console.warn(
      `[token-meter] stripe_meter_failed: usage of ${customer} could not be billed at the Stripe account of its ` +
        `headers: ${reason}. ${next}; more of these are counted, and told in an hour.`,
    )
  }
}
