/** A timer that rings at the earliest time anyone asked for, and never keeps the process alive. */
export class Alarm {
  readonly #ring: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #ringsAt = Number.POSITIVE_INFINITY

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** Rings after `delayMs` at the latest. */
  setWithin(delayMs: number): void {
    // The clock that never jumps: one set back would silence the alarm.
    const ringsAt = performance.now() + delayMs
    if (ringsAt >= this.#ringsAt) return
    clearTimeout(this.#timer)
    this.#ringsAt = ringsAt
    this.#timer = setTimeout(
      () => {
        this.#ringsAt = Number.POSITIVE_INFINITY
        this.#ring()
      },
      Math.min(delayMs, 2 ** 31 - 1),
    )
    ;(this.#timer as { unref?: () => void }).unref?.()
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#ringsAt = Number.POSITIVE_INFINITY
  }
}
