/** How long an outbox may be busy before that is worth a report, in ms. */
const quietMs = 30_000

/**
 * True for an error by which an outbox says that another process is using it just now. It has
 * `busy: true`; nothing is wrong, and the same call can succeed in a moment.
 */
export function isBusy(error: unknown): boolean {
  return (error as { busy?: unknown } | null | undefined)?.busy === true
}

/** A wait before an outbox that was busy is tried again; random, so that processes take turns. */
export function busyPauseMs(): number {
  return 100 + Math.random() * 200
}

/** Tells an outbox that is busy for a moment from one that somebody has locked for good. */
export class BusyTime {
  #reportAt: number | undefined

  over(): void {
    this.#reportAt = undefined
  }

  /** True for every other error, and each time that the outbox was busy for long. */
  isWorthReporting(error: unknown): boolean {
    if (!isBusy(error)) return true
    const now = performance.now()
    this.#reportAt ??= now + quietMs
    if (now < this.#reportAt) return false
    this.#reportAt = now + quietMs
    return true
  }
}
