import type { OwnRecords } from '../delivery/own-records.ts'
import { type WaitUntil, platformWaitUntil } from './wait-until.ts'
import { FlushError, ObserverError, type TokenMeterError } from '../errors/errors.ts'
import { isFiniteDuration, isFunction, optionCheck } from '../errors/option-check.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** How long a platform is kept waiting, in ms: Cloudflare allows 30 s after the response. */
const waitUntilMs = 25_000

export interface AfterUsageOptions {
  readonly waitUntil?: WaitUntil | undefined
  readonly awaitDeliveryMs?: number | undefined
}

/** Usage, and whether it is delivered in time. */
interface Settling {
  readonly records: readonly UsageRecord[]
  readonly settling: Promise<boolean>
}

/** What follows usage on platforms that freeze the process as soon as a request is answered. */
export class AfterUsage {
  readonly #own: OwnRecords
  readonly #waitUntil: WaitUntil | undefined
  readonly #report: (error: TokenMeterError) => void
  /** Usage of this turn, which shares a promise. */
  #gathered: Settling[] | undefined
  /** How long a call waits for the delivery of its usage; 0: not at all. */
  readonly awaitDeliveryMs: number

  constructor(
    own: OwnRecords,
    { waitUntil, awaitDeliveryMs = 0 }: AfterUsageOptions,
    report: (error: TokenMeterError) => void,
  ) {
    this.#own = own
    this.#waitUntil = waitUntil
    this.awaitDeliveryMs = awaitDeliveryMs
    this.#report = report
  }

  /**
   * Answers what who recorded it waits for.
   * @param stored ends when the records are in the outbox; nothing where they are already.
   */
  follow(records: readonly UsageRecord[], stored?: Promise<void>): Promise<void> | void {
    this.#handOver(records, stored)
    return this.awaitDeliveryMs > 0 ? this.#untilDelivered(records, stored) : stored
  }

  async #untilDelivered(
    records: readonly UsageRecord[],
    stored: Promise<void> | undefined,
  ): Promise<void> {
    const settling = this.#own.areSettled(records, stored, this.awaitDeliveryMs)
    await stored
    this.#reportLeft((await settling) ? [] : records, records, this.awaitDeliveryMs)
  }

  /** At once, because platforms know the request by the code that is running. */
  #handOver(records: readonly UsageRecord[], stored: Promise<void> | undefined): void {
    try {
      const waitUntil = this.#waitUntil ?? platformWaitUntil()
      if (waitUntil === undefined) return
      const settling = this.#own.areSettled(records, stored, waitUntilMs)
      const gathered = this.#gathered
      if (gathered === undefined) return waitUntil(this.#gather({ records, settling }))
      gathered.push({ records, settling })
    } catch (cause) {
      this.#report(new ObserverError('waitUntil threw, so that delivery may be cut off', { cause }))
    }
  }

  /** Never rejects: a platform would make an error of the request of it. */
  async #gather(first: Settling): Promise<void> {
    const gathered = [first]
    const deadline = performance.now() + waitUntilMs
    this.#gathered = gathered
    await new Promise((resolve) => setTimeout(resolve, 0))
    this.#gathered = undefined
    const areSettled = await Promise.all(gathered.map(({ settling }) => settling))
    // The platform ends what is still under way then: a batch would stay claimed until its lease ends.
    await this.#own.rest(Math.max(0, deadline - performance.now()))
    const late = gathered.filter((_, index) => areSettled[index] !== true)
    const recordsOf = (some: readonly Settling[]) => some.flatMap(({ records }) => records)
    this.#reportLeft(recordsOf(late), recordsOf(gathered), waitUntilMs)
  }

  /** The platform may end the process now, without a word: what dies with it is told whole. */
  #reportLeft(late: readonly UsageRecord[], all: readonly UsageRecord[], timeoutMs: number): void {
    const isLasting = this.#own.isLasting
    if (late.length > 0) {
      this.#report(
        new FlushError(
          `${late.length} usage record(s) were not delivered within ${timeoutMs} ms, which is as long ` +
            `as is waited for it; they stay in the outbox${isLasting ? '' : ', which is in memory'}`,
          { pending: {}, ...(!isLasting && { records: late }) },
        ),
      )
    }
    const unattributed = isLasting ? [] : all.filter(({ customer }) => customer === null)
    if (unattributed.length > 0) {
      this.#report(
        new FlushError(
          `${unattributed.length} usage record(s) that nobody is named for are only in memory`,
          { pending: {}, records: unattributed },
        ),
      )
    }
  }
}

const check = optionCheck('createMeter')

/** @throws ConfigError for what cannot be called, or is no time. */
export function checkAfterUsage({ waitUntil, awaitDeliveryMs = 0 }: AfterUsageOptions): void {
  const example = 'a function, such as (promise) => ctx.waitUntil(promise)'
  check('waitUntil', waitUntil ?? isFunction, example, isFunction)
  check('awaitDeliveryMs', awaitDeliveryMs, 'a number of ms from 0 up', isFiniteDuration)
}
