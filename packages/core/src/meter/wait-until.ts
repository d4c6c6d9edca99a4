/**
 * Platforms that freeze or end a process when its requests are answered: what is recorded in a
 * request keeps it alive until it is delivered, by `waitUntil`, by making the call wait
 * (`awaitDeliveryMs`), or both.
 */
import type { DeliveryWaiter } from '../delivery/await-delivery.ts'
import { FlushError, ObserverError, type TokenMeterError } from '../errors/errors.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** Keeps a serverless platform from freezing or ending the process until the promise has ended. */
export type WaitUntil = (promise: Promise<unknown>) => void

/** How long a platform is kept waiting, in ms: Cloudflare allows 30 s after the response. */
const waitUntilMs = 25_000

export interface RequestLifetimeOptions {
  readonly waiter: DeliveryWaiter
  readonly onError: (error: TokenMeterError) => void
  readonly waitUntil?: WaitUntil | undefined
  readonly awaitDeliveryMs?: number | undefined
}

/** Usage, and whether it is delivered in time. */
interface Settling {
  readonly records: readonly UsageRecord[]
  readonly isDelivered: Promise<boolean>
}

/** The lifetime of requests, as far as usage extends it. */
export class RequestLifetime {
  readonly #waiter: DeliveryWaiter
  readonly #waitUntil: WaitUntil | undefined
  readonly #onError: (error: TokenMeterError) => void
  /** Usage of this turn, which shares a promise. */
  #gathered: Settling[] | undefined
  /** How long a call waits for the delivery of its usage; 0: not at all. */
  readonly awaitDeliveryMs: number

  constructor({ waiter, onError, waitUntil, awaitDeliveryMs = 0 }: RequestLifetimeOptions) {
    this.#waiter = waiter
    this.#waitUntil = waitUntil
    this.awaitDeliveryMs = awaitDeliveryMs
    this.#onError = onError
  }

  /**
   * Extends it until the usage is delivered.
   * @param appending ends when the records are in the outbox; absent where they are already.
   * @returns what the call that recorded them waits for.
   */
  extend(records: readonly UsageRecord[], appending?: Promise<void>): Promise<void> | void {
    this.#handOver(records, appending)
    return this.awaitDeliveryMs > 0 ? this.#untilDelivered(records, appending) : appending
  }

  async #untilDelivered(
    records: readonly UsageRecord[],
    appending: Promise<void> | undefined,
  ): Promise<void> {
    const isDelivered = this.#waiter.wait(records, appending, this.awaitDeliveryMs)
    await appending
    this.#reportLate((await isDelivered) ? [] : records, records, this.awaitDeliveryMs)
  }

  /** At once, because platforms know the request by the code that is running. */
  #handOver(records: readonly UsageRecord[], appending: Promise<void> | undefined): void {
    try {
      const waitUntil = this.#waitUntil ?? vercelWaitUntil()
      if (waitUntil === undefined) return
      const isDelivered = this.#waiter.wait(records, appending, waitUntilMs)
      const gathered = this.#gathered
      if (gathered === undefined) return waitUntil(this.#gather({ records, isDelivered }))
      gathered.push({ records, isDelivered })
    } catch (cause) {
      this.#onError(
        new ObserverError('waitUntil threw, so that delivery may be cut off', { cause }),
      )
    }
  }

  /** Never rejects: a platform would make an error of the request of it. */
  async #gather(first: Settling): Promise<void> {
    const gathered = [first]
    const deadline = performance.now() + waitUntilMs
    this.#gathered = gathered
    await new Promise((resolve) => setTimeout(resolve, 0))
    this.#gathered = undefined
    const areDelivered = await Promise.all(gathered.map(({ isDelivered }) => isDelivered))
    // The platform ends what is still under way then: a batch would stay claimed until its lease ends.
    await this.#waiter.drain(Math.max(0, deadline - performance.now()))
    const late = gathered.filter((_, index) => areDelivered[index] !== true)
    const recordsOf = (some: readonly Settling[]) => some.flatMap(({ records }) => records)
    this.#reportLate(recordsOf(late), recordsOf(gathered), waitUntilMs)
  }

  /** The platform may end the process now, without a word: what dies with it is reported whole. */
  #reportLate(late: readonly UsageRecord[], all: readonly UsageRecord[], timeoutMs: number): void {
    const isLasting = this.#waiter.isLasting
    if (late.length > 0) {
      this.#onError(
        new FlushError(
          `${late.length} usage record(s) were not delivered within ${timeoutMs} ms, which is as long ` +
            `as is waited for it; they stay in the outbox${isLasting ? '' : ', which is in memory'}`,
          { pending: {}, ...(!isLasting && { records: late }) },
        ),
      )
    }
    const unattributed = isLasting ? [] : all.filter(({ customer }) => customer === null)
    if (unattributed.length > 0) {
      this.#onError(
        new FlushError(
          `${unattributed.length} usage record(s) that nobody is named for are only in memory`,
          { pending: {}, records: unattributed },
        ),
      )
    }
  }
}

const vercelKey = Symbol.for('@vercel/request-context')

interface RequestContexts {
  get?(): { waitUntil?: WaitUntil } | undefined
}

/**
 * Vercel's own, of the request that is running now; it is what `waitUntil` of `@vercel/functions`
 * calls.
 */
function vercelWaitUntil(): WaitUntil | undefined {
  const contexts = (globalThis as { [vercelKey]?: RequestContexts })[vercelKey]
  const context = contexts?.get?.()
  return context?.waitUntil && ((promise) => context.waitUntil?.(promise))
}
