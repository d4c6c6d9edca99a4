/** A change of the clock that is none: it is set by a few ms all the time, in ms. */
const toleranceMs = 2000

/** Notices when the clock of the day is set back, by the clock that never jumps. */
export class WallClock {
  #aheadMs = Date.now() - performance.now()

  /** True once after it was set back: what was to be done at a time that is far off again is due. */
  wasSetBack(): boolean {
    const before = this.#aheadMs
    this.#aheadMs = Date.now() - performance.now()
    if (this.#aheadMs < before - toleranceMs) return true
    // Small steps back must not add up unseen.
    this.#aheadMs = Math.max(this.#aheadMs, before)
    return false
  }
}
