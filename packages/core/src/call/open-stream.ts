/** How often the usage of a stream is kept that goes on, in ms. */
const everyMs = 1000

/**
 * When the usage of one stream is kept while it goes on: at once when there is any, and from then on once a second
 * while it grows. An event costs it the look at a flag.
 */
export class OpenStream {
  readonly #keep: () => boolean
  #timer: ReturnType<typeof setTimeout> | undefined
  #hasGrown = false
  #isOver = false

  /** @param keep false where there is nothing to be kept yet. Never throws. */
  constructor(keep: () => boolean) {
    this.#keep = keep
  }

  /** Something was added. */
  grown(): void {
    if (this.#timer === undefined) this.#keepNow()
    else this.#hasGrown = true
  }

  /** It has ended. */
  over(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  /** Between two of them it holds nothing that rests: a stream that was left must be seen to be dropped. */
  #keepNow(): void {
    this.#hasGrown = false
    if (this.#isOver || !this.#keep()) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#hasGrown) this.#keepNow()
    }, everyMs)
    ;(this.#timer as Partial<NodeJS.Timeout>).unref?.()
  }
}
