/** The claim of a batch is over, or is another worker's: nothing more of it may be sent from here. */
export class LeaseOverError extends Error {
  constructor() {
    super('the claim of the batch is over: this process stood still, or another worker has it')
  }
}

/**
 * How long a claim lasts, by both clocks of this process, from before it was asked for: the one that
 * never jumps stands still while some machines sleep, and the time of the day can be set.
 */
export class LeaseTime {
  readonly #startedAt = performance.now()
  readonly #startedAtMs = Date.now()
  readonly #leaseMs: number

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs
  }

  isOver(): boolean {
    return (
      performance.now() - this.#startedAt >= this.#leaseMs ||
      Date.now() - this.#startedAtMs >= this.#leaseMs
    )
  }
}
