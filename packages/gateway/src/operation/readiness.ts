/** Whether new requests should come here: what `/health/ready` answers. */
import type { Outbox } from '@token-meter/core/outbox'
import { settledWithin } from '@token-meter/core/outbox'
import { outboxProbe } from './outbox-probe.ts'

/** What readiness asks beside the outbox: it throws, or rejects, for what is not as it has to be. */
export type ReadinessCheck = () => unknown

export interface Ready {
  readonly ready: boolean
  /** By name. Why is not said: whoever asks may be anybody. */
  readonly checks: Readonly<Record<string, 'ok' | 'failed'>>
}

/** How long one check may take, in ms. */
const patienceMs = 2000
/** How long an answer holds, in ms: whoever asks may ask all the time. */
const keptMs = 1000
/** More records than that wait to be written: the store does not keep up, and they die with the process. */
const maxWaiting = 10_000

export class Readiness {
  readonly #checks: Readonly<Record<string, ReadinessCheck>>
  readonly #report: (check: string, cause: unknown) => void
  #isOff = false
  #last: { readonly until: number; readonly answer: Promise<Ready> } | undefined

  /** @param report told why a check failed, each time. */
  constructor(
    outbox: Outbox,
    more: Readonly<Record<string, ReadinessCheck>>,
    report: (check: string, cause: unknown) => void,
  ) {
    let probe: ReadinessCheck | undefined
    this.#checks = {
      // Made at its first use: it makes a table, which a store that is away cannot.
      outbox: () => (probe ??= outboxProbe(outbox))(),
      backlog: () => {
        const waiting = outbox.waiting?.() ?? 0
        if (waiting > maxWaiting) throw new Error(`${waiting} records wait to be written`)
      },
      ...more,
    }
    this.#report = report
  }

  /** From now on it is not ready, whatever the checks say. */
  turnOff(): void {
    this.#isOff = true
  }

  async ask(): Promise<Ready> {
    if (this.#isOff) return { ready: false, checks: {} }
    const now = performance.now()
    if (this.#last === undefined || now >= this.#last.until) {
      this.#last = { until: now + keptMs, answer: this.#askNow() }
    }
    const answer = await this.#last.answer
    return this.#isOff ? { ready: false, checks: answer.checks } : answer
  }

  async #askNow(): Promise<Ready> {
    const checks = await Promise.all(
      Object.entries(this.#checks).map(
        async ([name, check]) =>
          [name, (await this.#passes(name, check)) ? 'ok' : 'failed'] as const,
      ),
    )
    return {
      ready: checks.every(([, state]) => state === 'ok'),
      checks: Object.fromEntries(checks),
    }
  }

  async #passes(name: string, check: ReadinessCheck): Promise<boolean> {
    try {
      const asked = Promise.resolve(check())
      if (await settledWithin(patienceMs, asked)) {
        await asked
        return true
      }
      asked.catch(() => {})
      throw new Error(`it took more than ${patienceMs} ms`)
    } catch (cause) {
      // Somebody else is writing just now: that is how it should be.
      if ((cause as { readonly busy?: unknown }).busy === true) return true
      this.#report(name, cause)
      return false
    }
  }
}
